"""How the pages write dates and times where Django's own way does not suit us."""
