"""For each customer and day the one best thing to do, often nothing: which, what is it worth, and what did it bring?"""
