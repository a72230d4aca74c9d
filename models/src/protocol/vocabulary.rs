//! The words of the transition system: sorts, the variables of a state, the functions that never change, and the few
//! phrases that steps and invariant share.
//!
//! All sorts but `Cell`, `Place`, `Lock` and `Pc` have no fixed number of elements.

/// What a term can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// A thread.
    Thread,
    /// A counted object.
    Object,
    /// A link of a container, whether something stands there or not.
    Name,
    /// A local variable, or what else belongs to one thread.
    Handle,
    /// What belongs to no thread: a timer, a call, a message on its way, the closure of a thread to come.
    Timer,
    /// A lock that stands by itself: a container's shard.
    Shard,
    /// A number.
    Int,
    /// True or false.
    Bool,
    /// What a place holds: nothing, a strong count of an object, or a weak one.
    Cell,
    /// What can own one count.
    Place,
    /// A shard's lock, or the lock inside an object.
    Lock,
    /// Where a thread is.
    Pc,
}

impl Sort {
    /// The name in the texts of table and solver.
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// The sort of this name.
    pub fn of(name: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(_, it)| *it == name);
        found.map(|(sort, _)| *sort)
    }
}

const NAMES: [(Sort, &str); 12] = [
    (Sort::Thread, "Thread"),
    (Sort::Object, "Object"),
    (Sort::Name, "Name"),
    (Sort::Handle, "Handle"),
    (Sort::Timer, "Timer"),
    (Sort::Shard, "Shard"),
    (Sort::Int, "Int"),
    (Sort::Bool, "Bool"),
    (Sort::Cell, "Cell"),
    (Sort::Place, "Place"),
    (Sort::Lock, "Lock"),
    (Sort::Pc, "Pc"),
];

/// The sorts that the solver may make as large as it likes.
pub const UNBOUNDED: [Sort; 6] = [
    Sort::Thread,
    Sort::Object,
    Sort::Name,
    Sort::Handle,
    Sort::Timer,
    Sort::Shard,
];

/// A constructor: its name, what it is made of, and what it makes.
#[derive(Debug, PartialEq, Eq)]
pub struct Constructor {
    /// The name.
    pub name: &'static str,
    /// The only argument's sort, where there is one.
    pub of: Option<Sort>,
    /// The sort of the whole.
    pub sort: Sort,
}

const fn constructor(name: &'static str, of: Option<Sort>, sort: Sort) -> Constructor {
    Constructor { name, of, sort }
}

/// Every constructor. The places are: a link, a local variable, a timer, the settings within an object, and the one weak count
/// that all strong ones of an object hold together (as in `std::sync::Arc`).
pub const CONSTRUCTORS: &[Constructor] = &[
    constructor("nul", None, Sort::Cell),
    constructor("st", Some(Sort::Object), Sort::Cell),
    constructor("wk", Some(Sort::Object), Sort::Cell),
    constructor("L", Some(Sort::Name), Sort::Place),
    constructor("H", Some(Sort::Handle), Sort::Place),
    constructor("T", Some(Sort::Timer), Sort::Place),
    constructor("S", Some(Sort::Object), Sort::Place),
    constructor("I", Some(Sort::Object), Sort::Place),
    constructor("Sh", Some(Sort::Shard), Sort::Lock),
    constructor("E", Some(Sort::Object), Sort::Lock),
];

/// A function of the state, or one that never changes.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// The name.
    pub name: &'static str,
    /// The arguments.
    pub of: &'static [Sort],
    /// What it gives.
    pub gives: Sort,
    /// What it says.
    pub about: &'static str,
}

const fn function(
    name: &'static str,
    of: &'static [Sort],
    gives: Sort,
    about: &'static str,
) -> Function {
    Function {
        name,
        of,
        gives,
        about,
    }
}

/// The variables of a state. The last three are ghosts: they number the owners of a cell from 0 to its count less one, which says
/// that the count is the number of owners without a word about sets.
pub const VARIABLES: &[Function] = &[
    function(
        "at",
        &[Sort::Place],
        Sort::Cell,
        "what the place owns a count of",
    ),
    function("rc", &[Sort::Cell], Sort::Int, "the count"),
    function("born", &[Sort::Object], Sort::Bool, "the object was made"),
    function(
        "destroyed",
        &[Sort::Object],
        Sort::Bool,
        "its destructor began",
    ),
    function("freed", &[Sort::Object], Sort::Bool, "its memory went back"),
    function(
        "keep",
        &[Sort::Name],
        Sort::Bool,
        "no lookup may miss the name",
    ),
    function("held", &[Sort::Lock], Sort::Bool, "somebody holds the lock"),
    function("holder", &[Sort::Lock], Sort::Thread, "who"),
    function("pc", &[Sort::Thread], Sort::Pc, "where the thread is"),
    function("lk", &[Sort::Thread], Sort::Lock, "the lock that it holds"),
    function(
        "base",
        &[Sort::Thread],
        Sort::Handle,
        "keeps the object of that lock",
    ),
    function(
        "raw",
        &[Sort::Thread],
        Sort::Object,
        "what it has read and not counted",
    ),
    function("src", &[Sort::Thread], Sort::Place, "where it read that"),
    function(
        "tmp",
        &[Sort::Thread],
        Sort::Int,
        "the count that an upgrade expects",
    ),
    function(
        "up",
        &[Sort::Thread],
        Sort::Handle,
        "the weak handle being upgraded",
    ),
    function(
        "victim",
        &[Sort::Thread],
        Sort::Cell,
        "what it gave the last count of",
    ),
    function("idx", &[Sort::Place], Sort::Int, "the number of the owner"),
    function(
        "inv",
        &[Sort::Cell, Sort::Int],
        Sort::Place,
        "the owner of that number",
    ),
    function("by", &[Sort::Cell], Sort::Thread, "who gave the last count"),
];

/// The functions that never change.
pub const RIGID: &[Function] = &[
    function(
        "owner",
        &[Sort::Handle],
        Sort::Thread,
        "whose local variable it is",
    ),
    function(
        "shard",
        &[Sort::Name],
        Sort::Shard,
        "the shard that the link is in",
    ),
    function(
        "settings",
        &[Sort::Object],
        Sort::Bool,
        "can be within an object",
    ),
];

/// A phrase: a name, its arguments, and what stands for it.
pub type Phrase = (&'static str, &'static [&'static str], &'static str);

/// The phrases, each written out wherever it stands.
pub const PHRASES: &[Phrase] = &[
    // The lock that must be held to touch the place.
    (
        "guards",
        &["l", "p"],
        "(or (and ((_ is L) p) (= l (Sh (shard (L-of p))))) (and ((_ is S) p) (= l (E (S-of p)))))",
    ),
    // The thread is between lock and unlock.
    (
        "inside",
        &["t"],
        "(or (= (pc t) Crit) (= (pc t) Raw) (= (pc t) Open))",
    ),
    // The thread has locked an object, which it keeps by a handle of its own.
    (
        "visits",
        &["t"],
        "(and (or (= (pc t) Crit) (= (pc t) Raw)) ((_ is E) (lk t)))",
    ),
    // What the thread does needs this handle to stay as it is.
    (
        "rests",
        &["t", "h"],
        "(or (and (visits t) (= (base t) h)) (and (= (pc t) Upg) (= (up t) h)))",
    ),
    // The thread runs a destructor.
    ("ending", &["t"], "(or (= (pc t) Dest) (= (pc t) Open))"),
    // The object of the weak handle that is being upgraded.
    ("sought", &["t"], "(wk-of (at (H (up t))))"),
    // The object whose last strong count the thread gave back.
    ("doomed", &["t"], "(st-of (victim t))"),
    // The object's memory and meaning are there.
    ("alive", &["o"], "(and (not (destroyed o)) (not (freed o)))"),
];

/// The constructor of this name.
pub fn constructor_named(name: &str) -> Option<&'static Constructor> {
    CONSTRUCTORS.iter().find(|it| it.name == name)
}

/// The variable of this name.
pub fn variable_named(name: &str) -> Option<usize> {
    VARIABLES.iter().position(|it| it.name == name)
}

/// The unchanging function of this name.
pub fn rigid_named(name: &str) -> Option<usize> {
    RIGID.iter().position(|it| it.name == name)
}
