"""Whom to contact with what, when and through which channel, and what did it earn?"""
