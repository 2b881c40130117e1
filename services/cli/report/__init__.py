"""One iteration as one self-contained HTML file.

Invariant: nothing in the file is fetched from anywhere, and no text of a page or a model is ever markup or script.
"""
