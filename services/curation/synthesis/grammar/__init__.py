"""Invented web sites for a model that is too small to invent them: kinds, words, sites and pages."""
