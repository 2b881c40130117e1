"""Ordinary words that the shop's content is made of (shared by all partitions)."""

from __future__ import annotations

_CATEGORIES = """
Kitchen: Kettle, Toaster, Blender, Frying Pan, Coffee Grinder, Teapot, Mixing Bowl, Bread Knife, Rice Cooker, \
Cutting Board, Measuring Jug
Office: Desk Lamp, Stapler, Notebook, Fountain Pen, File Cabinet, Desk Chair, Whiteboard, Paper Tray, \
Label Printer, Letter Opener, Monitor Stand
Garden: Watering Can, Garden Hose, Spade, Plant Pot, Garden Bench, Bird Feeder, Pruning Shears, Wheelbarrow, \
Leaf Rake, Rain Gauge, Lantern
Sports: Yoga Mat, Dumbbell Set, Tennis Racket, Running Belt, Climbing Rope, Bike Helmet, Football, Jump Rope, \
Skateboard, Foam Roller, Ski Goggles
Music: Guitar, Ukulele, Drum Pad, Microphone, Headphones, Music Stand, Keyboard, Flute, Metronome, \
Record Player, Harmonica
Travel: Suitcase, Backpack, Neck Pillow, Travel Mug, Rain Jacket, Tent, Sleeping Bag, Compass, Camp Stove, \
Binoculars, Passport Case
Interior: Floor Lamp, Wool Rug, Wall Clock, Throw Blanket, Picture Frame, Bookshelf, Curtain, Coat Rack, \
Side Table, Door Mat, Laundry Basket
Electronics: Phone Charger, Power Bank, Smart Plug, Web Camera, Speaker, Tablet Case, Alarm Clock, \
Memory Card, Router, Projector, Game Controller
"""

CATEGORIES: dict[str, list[str]] = {
    name: kinds.split(", ") for name, kinds in (line.split(": ") for line in _CATEGORIES.strip().splitlines())
}

COLOURS = ("Black", "White", "Red", "Blue", "Green", "Yellow", "Grey", "Brown", "Orange", "Purple")
MATERIALS = ("Steel", "Oak", "Bamboo", "Cotton", "Glass", "Ceramic", "Aluminium", "Leather", "Plastic", "Wool")
STREETS = ("Street", "Road", "Avenue", "Lane", "Drive")

BLURBS = [
    "A {kind} for every day, made of {material}.",
    "Our best-loved {kind}. The {material} keeps its looks for years.",
    "A light and handy {kind} with a {material} finish.",
    "A {kind} built to last, with parts of {material}.",
]

REVIEWS: dict[int, list[tuple[str, str]]] = {
    1: [
        ("Broke at once", "It broke after three days of use."),
        ("Never again", "Poor quality, I sent it back."),
        ("Not as shown", "It looks nothing like the picture."),
    ],
    2: [
        ("Too expensive", "You can find a better one for less."),
        ("Disappointing", "It feels cheap in the hand."),
        ("Smaller than I thought", "It is far too small for me."),
    ],
    3: [
        ("It is all right", "Does what it should, nothing more."),
        ("Slow delivery", "A fine product, but it came two weeks late."),
        ("Mixed feelings", "Good material, poor manual."),
    ],
    4: [
        ("Good value", "A good buy for the price."),
        ("Nearly perfect", "I would like it in more colours."),
        ("Happy with it", "Works well and looks nice."),
    ],
    5: [
        ("Simply great", "The best one that I have ever had."),
        ("A lovely gift", "My sister uses it every day."),
        ("Solid work", "Sturdy, well made and easy to clean."),
    ],
}
