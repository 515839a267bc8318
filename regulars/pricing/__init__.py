"""How does demand answer prices, and which price or discount should each customer be shown, inside the law?"""
