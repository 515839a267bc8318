"""Who is this customer, as of any moment?"""
from regulars.profile.dataset import features_as_of as table
