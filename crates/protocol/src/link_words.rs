//! The words room codes are made of: short, common, easy to say on a telephone.

/// First word of a code.
pub(crate) const FIRST_WORDS: [&str; 173] = [
    "amber", "arctic", "aspen", "autumn", "badger", "beacon", "birch", "bison", "blossom", "bramble", "breeze",
    "bright", "brook", "candle", "canyon", "cedar", "cherry", "chestnut", "cinder", "clover", "cobalt", "comet",
    "copper", "coral", "cotton", "crane", "cricket", "crystal", "curlew", "cypress", "dahlia", "dapple", "dawn",
    "delta", "desert", "dolphin", "dove", "dune", "eagle", "early", "ebony", "echo", "elder", "ember", "evening",
    "falcon", "fallow", "fern", "finch", "fjord", "flint", "forest", "fossil", "foxglove", "garnet", "gentle",
    "ginger", "glacier", "golden", "granite", "harbor", "hazel", "heather", "heron", "hickory", "hollow", "honey",
    "indigo", "island", "ivory", "jasmine", "juniper", "kestrel", "kindle", "lagoon", "lantern", "larch", "laurel",
    "lavender", "lemon", "lilac", "linden", "linnet", "lotus", "lunar", "magnet", "magpie", "mango", "maple", "marble",
    "marigold", "marten", "meadow", "mellow", "merlin", "mint", "misty", "morning", "moss", "mountain", "myrtle",
    "nectar", "nimbus", "noble", "north", "nutmeg", "oaken", "ocean", "olive", "onyx", "opal", "orange", "orchid",
    "osprey", "otter", "oyster", "pearl", "pebble", "pelican", "pepper", "petrel", "pine", "plover", "plum", "polar",
    "poplar", "prairie", "primrose", "puffin", "quail", "quartz", "quiet", "raven", "reed", "ripple", "river", "robin",
    "rowan", "ruby", "russet", "saffron", "sandy", "sapphire", "shadow", "silver", "skylark", "snow", "solar",
    "sorrel", "sparrow", "spruce", "starling", "steady", "summer", "swallow", "swift", "tawny", "teal", "thistle",
    "thrush", "timber", "topaz", "tulip", "tundra", "velvet", "violet", "walnut", "warbler", "willow", "winter",
    "wren", "yarrow", "zephyr",
];

/// Second word of a code.
pub(crate) const SECOND_WORDS: [&str; 148] = [
    "acre", "alley", "anchor", "arbor", "arch", "attic", "avenue", "barn", "bay", "beach", "bend", "bluff", "bridge",
    "cabin", "camp", "cape", "castle", "cave", "chapel", "cliff", "coast", "corner", "cottage", "court", "cove",
    "creek", "crest", "crossing", "dale", "deck", "den", "dock", "dome", "drift", "edge", "estate", "falls", "farm",
    "fen", "ferry", "field", "ford", "forge", "fork", "garden", "gate", "glade", "glen", "grange", "green", "grotto",
    "grove", "gulf", "gully", "hall", "harbor", "haven", "heath", "hedge", "hill", "hollow", "house", "inlet", "isle",
    "jetty", "junction", "keep", "key", "knoll", "lagoon", "lake", "landing", "lane", "ledge", "lodge", "loft",
    "lookout", "manor", "market", "marsh", "meadow", "mesa", "mill", "moor", "mound", "narrows", "nook", "oasis",
    "orchard", "outpost", "park", "pass", "pasture", "path", "peak", "pier", "place", "plain", "plateau", "point",
    "pond", "pool", "port", "post", "quarry", "quay", "range", "rapids", "ravine", "reach", "reef", "ridge", "rise",
    "road", "rock", "row", "sands", "shelf", "shoal", "shore", "spring", "square", "station", "steps", "stone",
    "strand", "street", "summit", "terrace", "thicket", "tower", "track", "trail", "vale", "valley", "view", "villa",
    "village", "vista", "walk", "wall", "water", "way", "well", "wharf", "wick", "wood", "yard",
];
