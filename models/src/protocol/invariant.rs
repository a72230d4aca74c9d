//! What holds in every state that can be reached, in as many sentences as the solver needs and not one more; and what follows.

use super::expr::{Expr, Fun, Param, params};

/// One sentence about all values of its variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conjunct {
    /// The name in reports.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
    /// The variables that it speaks of.
    pub vars: Vec<Param>,
    /// The terms at whose sight the solver thinks of it; all variables are in each.
    pub triggers: Vec<Expr>,
    /// The sentence.
    pub body: Expr,
}

/// The invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invariant(pub Vec<Conjunct>);

/// What follows from the invariant, with what is assumed besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theorem {
    /// The name in reports.
    pub name: &'static str,
    /// Assumed of all: that the system is at rest, and theorems before this one.
    pub assumed: Vec<Conjunct>,
    /// What it speaks of.
    pub vars: Vec<Param>,
    /// Assumed of these.
    pub given: Vec<Expr>,
    /// What follows.
    pub then: Expr,
}

type Sentence = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
);

impl Conjunct {
    fn read((name, about, vars, triggers, body): &Sentence) -> Self {
        Conjunct {
            name,
            about,
            vars: params(vars),
            triggers: triggers.iter().map(|text| Expr::parse(text)).collect(),
            body: Expr::parse(body),
        }
    }
}

impl Invariant {
    /// The invariant of what ships.
    pub fn shipped() -> Self {
        Invariant(SENTENCES.iter().map(Conjunct::read).collect())
    }

    /// The same without one sentence.
    pub fn without(&self, name: &str) -> Self {
        let others = self.0.iter().filter(|it| it.name != name);
        Invariant(others.cloned().collect())
    }
}

/// What is proved of every state, and of every state at rest.
pub fn theorems() -> Vec<Theorem> {
    CLAIMS.iter().map(theorem).collect()
}

fn theorem((name, uses, at_rest, vars, _, given, then): &Claim) -> Theorem {
    let rest = AT_REST.iter().filter(|_| *at_rest).map(Conjunct::read);
    let earlier = CLAIMS.iter().take_while(|claim| claim.0 != *name);
    let used = earlier.filter(|claim| uses.contains(&claim.0));
    Theorem {
        name,
        assumed: rest.chain(used.map(lemma)).collect(),
        vars: params(vars),
        given: given.iter().map(|text| Expr::parse(text)).collect(),
        then: Expr::parse(then),
    }
}

/// A theorem as something to be assumed.
fn lemma((name, _, _, vars, trigger, given, then): &Claim) -> Conjunct {
    let given = given.iter().map(|text| Expr::parse(text));
    let given = Expr::call(
        Fun::And,
        given.chain([Expr::Name("true")]).collect::<Vec<_>>(),
    );
    Conjunct {
        name,
        about: "",
        vars: params(vars),
        triggers: vec![Expr::parse(trigger)],
        body: Expr::call(Fun::Implies, [given, Expr::parse(then)]),
    }
}

const SENTENCES: &[Sentence] = &[
    (
        "idx-range",
        "every owner has a number below the count: it is never too low",
        "p Place",
        &["(at p)"],
        "(=> (not (= (at p) nul)) (and (<= 0 (idx p)) (< (idx p) (rc (at p)))))",
    ),
    (
        "inv-idx",
        "no two owners have one number",
        "p Place",
        &["(seen p)"],
        "(=> (not (= (at p) nul)) (= (inv (at p) (idx p)) p))",
    ),
    (
        "idx-inv",
        "every number below the count has an owner: it is never too high",
        "c Cell, k Int",
        &["(inv c k)"],
        "(=> (and (not (= c nul)) (<= 0 k) (< k (rc c))) (and (= (at (inv c k)) c) (= (idx (inv c k)) k)))",
    ),
    (
        "count",
        "no count is negative",
        "c Cell",
        &["(rc c)"],
        "(<= 0 (rc c))",
    ),
    (
        "settings-in",
        "what stands within an object are settings",
        "o Object",
        &["(at (S o))"],
        "(=> ((_ is st) (at (S o))) (settings (st-of (at (S o)))))",
    ),
    (
        "settings-out",
        "settings have none themselves, for a circle would leak",
        "o Object",
        &["(at (S o))", "(settings o)"],
        "(=> (settings o) (= (at (S o)) nul))",
    ),
    (
        "unborn",
        "of what was not made there is nothing",
        "o Object",
        &["(born o)"],
        "(=> (not (born o)) (and (= (rc (st o)) 0) (= (rc (wk o)) 0) (= (at (S o)) nul) (= (at (I o)) nul) (not (destroyed o)) (not (freed o))))",
    ),
    (
        "held",
        "who holds a lock is between lock and unlock of it",
        "l Lock",
        &["(held l)"],
        "(=> (held l) (and (inside (holder l)) (= (lk (holder l)) l)))",
    ),
    (
        "lock-out",
        "who is between lock and unlock holds that lock",
        "t Thread",
        &["(pc t)"],
        "(=> (inside t) (and (held (lk t)) (= (holder (lk t)) t)))",
    ),
    (
        "base",
        "a handle keeps the object whose lock is held",
        "t Thread",
        &["(pc t)"],
        "(=> (visits t) (and (= (at (H (base t))) (st (E-of (lk t)))) (= (owner (base t)) t)))",
    ),
    (
        "raw",
        "what was read and not counted still stands where it was read, under the lock",
        "t Thread",
        &["(pc t)"],
        "(=> (= (pc t) Raw) (and (= (at (src t)) (st (raw t))) (guards (lk t) (src t))))",
    ),
    (
        "guess",
        "an upgrade expects no zero and has a weak reference",
        "t Thread",
        &["(pc t)"],
        "(=> (= (pc t) Upg) (and (< 0 (tmp t)) ((_ is wk) (at (H (up t)))) (= (owner (up t)) t)))",
    ),
    (
        "dead",
        "what has no owner any more has one executioner",
        "t Thread",
        &["(pc t)"],
        "(=> (or (= (pc t) Dying) (ending t)) (and (not (= (victim t) nul)) (= (rc (victim t)) 0) (= (by (victim t)) t)))",
    ),
    (
        "due-strong",
        "the destructor that is due is of an object that was made, and did not begin",
        "t Thread",
        &["(pc t)"],
        "(=> (and (= (pc t) Dying) ((_ is st) (victim t))) (and (born (st-of (victim t))) (not (destroyed (st-of (victim t))))))",
    ),
    (
        "due-weak",
        "the memory that is due is of an object that was made, and did not go",
        "t Thread",
        &["(pc t)"],
        "(=> (and (= (pc t) Dying) ((_ is wk) (victim t))) (and (born (wk-of (victim t))) (not (freed (wk-of (victim t))))))",
    ),
    (
        "ending",
        "a destructor that runs has begun, and has the common weak count",
        "t Thread",
        &["(pc t)"],
        "(=> (ending t) (and ((_ is st) (victim t)) (destroyed (st-of (victim t))) (= (at (I (st-of (victim t)))) (wk (st-of (victim t))))))",
    ),
    (
        "open",
        "a destructor that holds a lock holds that of its object",
        "t Thread",
        &["(pc t)"],
        "(=> (= (pc t) Open) (= (lk t) (E (st-of (victim t)))))",
    ),
    (
        "whole",
        "an object that was made and not destroyed has the common weak count",
        "o Object",
        &["(born o)", "(at (I o))"],
        "(=> (and (born o) (not (destroyed o))) (= (at (I o)) (wk o)))",
    ),
    (
        "duty-strong",
        "no object is lost: without owner and not destroyed, somebody is about to",
        "o Object",
        &["(born o)"],
        "(=> (and (born o) (= (rc (st o)) 0) (not (destroyed o))) (and (= (pc (by (st o))) Dying) (= (victim (by (st o))) (st o))))",
    ),
    (
        "duty-weak",
        "no memory is lost",
        "o Object",
        &["(born o)"],
        "(=> (and (born o) (= (rc (wk o)) 0) (not (freed o))) (and (= (pc (by (wk o))) Dying) (= (victim (by (wk o))) (wk o))))",
    ),
    (
        "gone",
        "who is destroyed has no owner",
        "o Object",
        &["(destroyed o)"],
        "(=> (destroyed o) (= (rc (st o)) 0))",
    ),
    (
        "freed",
        "memory goes after the destructor and after the last weak reference",
        "o Object",
        &["(freed o)"],
        "(=> (freed o) (and (destroyed o) (= (rc (wk o)) 0)))",
    ),
    (
        "remains",
        "what a destroyed object still owns, its destructor will take",
        "o Object",
        &["(destroyed o)"],
        "(=> (and (destroyed o) (or (not (= (at (S o)) nul)) (not (= (at (I o)) nul)))) (and (ending (by (st o))) (= (victim (by (st o))) (st o))))",
    ),
    (
        "keep",
        "a name that must not be missed is linked",
        "n Name",
        &["(keep n)"],
        "(=> (keep n) (not (= (at (L n)) nul)))",
    ),
];

/// Every thread is idle, and no link, timer or handle owns anything.
const AT_REST: &[Sentence] = &[
    ("idle", "", "t Thread", &["(pc t)"], "(= (pc t) Idle)"),
    (
        "nothing-linked",
        "",
        "p Place",
        &["(at p)"],
        "(=> (or ((_ is L) p) ((_ is T) p) ((_ is H) p)) (= (at p) nul))",
    ),
];

/// A theorem as it is written down: what else is assumed of all, by name and each proved before it; whether at rest; what it speaks of;
/// at whose sight the solver thinks of it; what is assumed of these; what follows.
type Claim = (
    &'static str,
    &'static [&'static str],
    bool,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
);

const CLAIMS: &[Claim] = &[
    (
        "no-use-after-destroy",
        &[],
        false,
        "p Place, o Object",
        "",
        &["(= (at p) (st o))"],
        "(alive o)",
    ),
    (
        "no-use-after-free",
        &[],
        false,
        "p Place, o Object",
        "",
        &["(= (at p) (wk o))"],
        "(not (freed o))",
    ),
    (
        "one-means-alone",
        &[],
        false,
        "p Place, q Place, c Cell",
        "",
        &[
            "(not (= c nul))",
            "(= (rc c) 1)",
            "(= (at p) c)",
            "(= (at q) c)",
        ],
        "(= p q)",
    ),
    (
        "common-weak",
        &[],
        false,
        "o Object",
        "(at (I o))",
        &[],
        "(or (= (at (I o)) nul) (= (at (I o)) (wk o)))",
    ),
    (
        "rest-counted",
        &[],
        true,
        "o Object",
        "(born o)",
        &["(born o)", "(not (destroyed o))"],
        "(< 0 (rc (st o)))",
    ),
    (
        "rest-within",
        &["common-weak"],
        true,
        "o Object",
        "(rc (st o))",
        &["(< 0 (rc (st o)))"],
        "(and ((_ is S) (inv (st o) 0)) (settings o))",
    ),
    (
        "rest-owner",
        &[],
        true,
        "o Object",
        "(at (S o))",
        &["(not (= (at (S o)) nul))"],
        "(and (born o) (not (destroyed o)) (not (settings o)))",
    ),
    // What owns settings would be owned itself, and so be settings, which own none: nothing is left.
    (
        "rest-destroyed",
        &["rest-counted", "rest-within", "rest-owner"],
        true,
        "o Object",
        "(born o)",
        &["(born o)"],
        "(destroyed o)",
    ),
    (
        "rest-freed",
        &["rest-destroyed", "rest-owner", "common-weak"],
        true,
        "o Object, p Place",
        "",
        &["(born o)", "(= p (inv (wk o) 0))"],
        "(freed o)",
    ),
];
