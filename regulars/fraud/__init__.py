"""Which attempts to pay, accounts and promotions are fraud, and what to do about each?"""
