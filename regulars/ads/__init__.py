"""Which ad to show to whom, at what bid, and did it bring anything that would not have come anyway?"""
