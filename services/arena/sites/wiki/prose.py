"""What the encyclopedia's articles say: kinds of article, their facts and sentence banks, as data.

Every sentence is a format string over the article's own facts, so that prose and infobox never disagree.
No sentence names a thing of the world by itself: names come from the seeded world alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of article: its category, title patterns, infobox labels in order, and sentences."""

    key: str
    category: str
    num_articles: int
    titles: tuple[str, ...]
    labels: tuple[str, ...]
    summary: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]


KINDS: tuple[Kind, ...] = (
    Kind(
        "town",
        "Towns",
        6,
        ("{word}",),
        ("Population", "Founded", "Mayor", "Elevation", "Postcode"),
        "{title} is a town of {Population} people, founded in {Founded}.",
        (
            (
                "Geography",
                (
                    "{title} lies at {Elevation} above the sea, in a wide bend of the valley.",
                    "The old quarter stands on a low ridge, {Elevation} above the sea.",
                ),
            ),
            (
                "Economy",
                (
                    "Timber and milling gave way to instrument making and tourism.",
                    "The weekly market has been held on the main square since {Founded}.",
                ),
            ),
            (
                "Transport",
                (
                    "The station links the town with its neighbours every hour.",
                    "Most streets of the centre are closed to cars at weekends.",
                ),
            ),
        ),
    ),
    Kind(
        "person",
        "People",
        14,
        ("{given} {surname}",),
        ("Born", "Birthplace", "Occupation", "Died", "Known for"),
        "{title} ({Born} - {Died}) was a {Occupation} from {Birthplace}, known for {Known for}.",
        (
            (
                "Early life",
                (
                    "Born in {Birthplace} in {Born}, the youngest child of a clockmaker.",
                    "A schoolteacher in {Birthplace} lent the first books and instruments.",
                ),
            ),
            (
                "Career",
                (
                    "After long travels the years in {Birthplace} were the most productive.",
                    "The first success as a {Occupation} came late, after a decade of odd jobs.",
                ),
            ),
            (
                "Legacy",
                (
                    "A street and a small prize keep the name alive.",
                    "The papers are kept in the library of {Birthplace}.",
                ),
            ),
        ),
    ),
    Kind(
        "mountain",
        "Mountains",
        7,
        ("Mount {word}",),
        ("Height", "First ascent", "Nearest town", "Rock"),
        "{title} is a mountain of {Height} near {Nearest town}, first climbed in {First ascent}.",
        (
            (
                "Climbing",
                (
                    "The normal route follows the south ridge and takes about five hours.",
                    "The first ascent in {First ascent} was made from the north, in fog.",
                ),
            ),
            (
                "Geology",
                (
                    "The summit block is {Rock}, scarred by old glaciers.",
                    "Layers of {Rock} give the east face its stripes.",
                ),
            ),
            (
                "Wildlife",
                ("Marmots and ravens are seen all year round.", "The meadows below flower late, in July."),
            ),
        ),
    ),
    Kind(
        "river",
        "Rivers",
        7,
        ("{word} River",),
        ("Length", "Source", "Largest town", "Average flow"),
        "The {title} is {Length} long. It rises at {Source} and passes {Largest town}.",
        (
            (
                "Course",
                (
                    "From {Source} the river drops quickly through a narrow gorge.",
                    "Below {Largest town} it slows down and splits into three arms.",
                ),
            ),
            (
                "Floods",
                (
                    "The great flood destroyed every bridge but one.",
                    "Since the weir was built the water has kept to its bed.",
                ),
            ),
            (
                "Recreation",
                (
                    "Canoes may be hired in {Largest town} from May to September.",
                    "Anglers value its clear upper reach.",
                ),
            ),
        ),
    ),
    Kind(
        "company",
        "Companies",
        7,
        ("{word} Works", "{word} Instruments", "{word} Foundry"),
        ("Industry", "Headquarters", "Opened", "Director", "Employees"),
        "{title} is a maker of {Industry} based in {Headquarters}, opened in {Opened}.",
        (
            (
                "History",
                (
                    "It began in {Opened} with four workers in a rented barn.",
                    "The works moved to {Headquarters} after a fire.",
                ),
            ),
            (
                "Products",
                (
                    "Its {Industry} are sold in over twenty countries.",
                    "The best known line of {Industry} has hardly changed.",
                ),
            ),
            (
                "Workforce",
                (
                    "About {Employees} people work there, many in the second generation.",
                    "The company keeps a school for apprentices.",
                ),
            ),
        ),
    ),
    Kind(
        "festival",
        "Festivals",
        6,
        ("{word} Lantern Festival", "{word} Harvest Fair", "{word} Music Week"),
        ("Held in", "Month", "First held", "Visitors", "Organizer"),
        "The {title} is held in {Held in} every {Month} and draws {Visitors} visitors.",
        (
            (
                "Origins",
                (
                    "It was first held in {First held} to mark the end of a hard winter.",
                    "The first programme of {First held} fitted on one page.",
                ),
            ),
            (
                "Programme",
                (
                    "Three days of music end with a parade of boats.",
                    "Cooks from the whole region set up stalls around the square.",
                ),
            ),
            (
                "Reception",
                (
                    "Critics praised its calm and its modest prices.",
                    "Half of the {Visitors} visitors come from abroad.",
                ),
            ),
        ),
    ),
    Kind(
        "species",
        "Animals",
        7,
        ("{word} Finch", "{word} Otter", "{word} Lizard", "{word} Fox"),
        ("Habitat", "Weight", "Lifespan", "Diet", "Described"),
        "The {title} lives in {Habitat} and feeds on {Diet}. It was described in {Described}.",
        (
            (
                "Description",
                (
                    "Adults weigh {Weight} and may live for {Lifespan}.",
                    "Young animals are paler and lack the dark collar.",
                ),
            ),
            (
                "Behaviour",
                (
                    "It is active at dusk and keeps to {Habitat}.",
                    "Pairs stay together for life and share the hunt for {Diet}.",
                ),
            ),
            (
                "Conservation",
                (
                    "Numbers have been stable for twenty years.",
                    "Two reserves protect most of its range.",
                ),
            ),
        ),
    ),
    Kind(
        "club",
        "Sports clubs",
        6,
        ("{word} Rovers", "{word} United", "{word} Athletic"),
        ("Sport", "Formed", "Home ground", "Coach", "Colours"),
        "{title} is a {Sport} club formed in {Formed}. It plays at {Home ground}.",
        (
            (
                "History",
                (
                    "The club was formed in {Formed} by railway workers.",
                    "It won the regional cup in its third season.",
                ),
            ),
            (
                "Supporters",
                (
                    "Supporters wear {Colours} and sing before every match.",
                    "About two thousand members own the club.",
                ),
            ),
            (
                "Rivalries",
                (
                    "The spring derby fills {Home ground} to the last seat.",
                    "Matches against the neighbours are friendly by tradition.",
                ),
            ),
        ),
    ),
)

OCCUPATIONS = ("painter", "botanist", "composer", "explorer", "chemist", "poet", "architect", "engineer")
KNOWN_FOR = (
    "maps of the high valleys",
    "a theory of tides",
    "songs for low voices",
    "studies of moss",
    "a suspension bridge",
    "letters from the coast",
    "glass that does not crack",
    "portraits of millers",
)
ROCKS = ("granite", "limestone", "basalt", "slate", "sandstone", "gneiss")
INDUSTRIES = ("clocks", "bicycles", "lenses", "pianos", "kitchen knives", "sewing machines", "globes")
MONTHS = ("January", "March", "April", "May", "June", "July", "September", "October")
HABITATS = ("pine forests", "reed beds", "dry hills", "river banks", "salt marshes", "alpine meadows")
DIETS = ("seeds", "beetles", "small fish", "berries", "snails", "roots")
SPORTS = ("football", "handball", "rowing", "hockey", "rugby", "volleyball")
COLOURS = ("red and white", "blue and gold", "green and black", "orange and grey", "purple and white")

PLACE_KINDS: tuple[tuple[str, str], ...] = (
    ("cafe", "{word} Cafe"),
    ("cafe", "{word} Coffee House"),
    ("museum", "{word} Museum"),
    ("hotel", "{word} Hotel"),
    ("station", "{word} Station"),
    ("library", "{word} Library"),
    ("pharmacy", "{word} Pharmacy"),
    ("stadium", "{word} Stadium"),
)
EXTRA_PLACES: tuple[tuple[str, str], ...] = (("hotel", "{word} Inn"), ("museum", "{word} Gallery"))
KIND_PLURALS = {
    "cafe": "cafes",
    "museum": "museums",
    "hotel": "hotels",
    "station": "stations",
    "library": "libraries",
    "pharmacy": "pharmacies",
    "stadium": "stadiums",
}
STREETS = ("Mill Lane", "Station Road", "Market Square", "Bridge Street", "Willow Street", "Castle Hill",
           "Harbour Road", "Church Lane", "Orchard Way", "River Walk")  # fmt: skip
HOURS = ("08:00-18:00", "09:00-17:00", "10:00-18:30", "07:30-19:00", "09:30-16:30", "10:00-22:00",
         "06:00-23:00", "11:00-20:00")  # fmt: skip
EDIT_NOTES = ("fixed a typo", "added a source", "clearer wording", "updated figures", "new photo caption",
              "removed a repetition", "added a paragraph", "checked the dates")  # fmt: skip
TALK = (
    "Could somebody check the dates against a printed source?",
    "The second section reads well now, thank you.",
    "I would like to add a map if nobody minds.",
    "Is there a better name for the last section?",
    "The figures in the box come from the latest survey.",
    "A photo from the south side would help here.",
)
