"""The study's evidence as an open data set: written so that nobody is in it, and checked by anybody."""
