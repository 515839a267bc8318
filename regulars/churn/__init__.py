"""Who will not order again?"""
