//! Explicit search: every state that a few threads and objects can reach, breadth first, with the invariant asked of each.
//!
//! It proves nothing that the solver has not proved. It shows that the table lives - each step is taken in some run - and it finds the
//! shortest run to what a planted defect breaks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::expr::{Expr, Param};
use super::interpret::Runner;
use super::invariant::{Conjunct, Invariant};
use super::state::{Fixed, Names, State, Value};
use super::table::{Step, Table};
use super::vocabulary::{CONSTRUCTORS, Sort, UNBOUNDED};

/// How many elements of each open sort there are, in the order of [`UNBOUNDED`], and what the unchanging functions say of them.
#[derive(Clone, Debug)]
pub struct World {
    /// Threads, objects, names, handles, timers, shards.
    pub elements: [u32; 6],
    /// The largest number that is guessed.
    pub count_max: i64,
    /// Who owns which handle, and so on.
    pub fixed: Fixed,
}

impl World {
    /// Two threads with so many handles each, one object that holds settings and one that is settings, one link.
    pub fn small(handles_each: u32) -> Self {
        World {
            elements: [2, 2, 1, 2 * handles_each, 1, 1],
            count_max: 2,
            fixed: Fixed {
                owners: (0..2 * handles_each).map(|handle| handle % 2).collect(),
                shards: vec![0],
                settings: vec![false, true],
            },
        }
    }

    fn values(&self, sort: Sort) -> Vec<Value> {
        match sort {
            Sort::Int => (0..=self.count_max).map(Value::Int).collect(),
            Sort::Cell | Sort::Place | Sort::Lock => self.made(sort),
            _ => (0..self.count(sort)).map(Value::Element).collect(),
        }
    }

    fn count(&self, sort: Sort) -> u32 {
        let nth = UNBOUNDED.iter().position(|it| *it == sort);
        nth.map_or(0, |nth| self.elements[nth])
    }

    fn made(&self, sort: Sort) -> Vec<Value> {
        let own = CONSTRUCTORS.iter().enumerate();
        let own = own.filter(|(_, it)| it.sort == sort);
        let each = |(made, it): (usize, &super::vocabulary::Constructor)| {
            let count = it.of.map_or(1, |of| self.count(of));
            (0..count).map(move |of| Value::Made(made, of))
        };
        own.flat_map(each).collect()
    }
}

/// One step of a run: its name and what it is about.
pub type Taken = (&'static str, Vec<(&'static str, Value)>);

/// What a search saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How many states.
    pub states: usize,
    /// Whether these are all that can be reached.
    pub is_exhausted: bool,
    /// How often each step was taken.
    pub taken: BTreeMap<&'static str, usize>,
    /// The first thing that does not hold, and the run that leads there.
    pub broken: Option<(String, Vec<Taken>)>,
}

/// Searches until something is broken, nothing is new, or so many states were expanded.
pub fn search(table: &Table, invariant: &Invariant, world: &World, states_max: usize) -> Seen {
    let mut search = Search {
        runner: Runner::new(table),
        world,
        invariant,
        known: BTreeSet::from([State::default()]),
        parents: vec![None],
        queue: VecDeque::from([(0, State::default())]),
        seen: Seen::default(),
    };
    while search.seen.states < states_max && search.seen.broken.is_none() {
        let Some((number, state)) = search.queue.pop_front() else {
            search.seen.is_exhausted = true;
            break;
        };
        search.seen.states += 1;
        for step in &table.steps {
            search.expand(number, &state, step);
        }
    }
    search.seen
}

struct Search<'a> {
    runner: Runner,
    world: &'a World,
    invariant: &'a Invariant,
    known: BTreeSet<State>,
    /// For each known state, from which it was reached and how.
    parents: Vec<Option<(usize, Taken)>>,
    queue: VecDeque<(usize, State)>,
    seen: Seen,
}

impl Search<'_> {
    fn expand(&mut self, number: usize, state: &State, step: &Step) {
        for names in choices(step, state, self.world) {
            *self.seen.taken.entry(step.name).or_default() += 1;
            let fixed = &self.world.fixed;
            let taken = (step.name, names.clone());
            let unsafe_at = step
                .safety
                .iter()
                .find(|it| !state.holds(it, &names, fixed));
            if let Some(safe) = unsafe_at {
                let what = format!("{} is safe: {}", step.name, safe.print(&super::expr::plain));
                self.broken(what, number, taken);
                return;
            }
            let mut after = state.clone();
            self.runner.force(step.name, &mut after, &names, fixed);
            self.reached(number, after, taken);
        }
    }

    fn reached(&mut self, number: usize, state: State, taken: Taken) {
        if self.seen.broken.is_some() || self.known.contains(&state) {
            return;
        }
        if let Some(conjunct) = first_broken(self.invariant, &state, self.world) {
            self.broken(conjunct.name.to_owned(), number, taken);
            return;
        }
        self.known.insert(state.clone());
        self.parents.push(Some((number, taken)));
        self.queue.push_back((self.parents.len() - 1, state));
    }

    fn broken(&mut self, what: String, number: usize, last: Taken) {
        let mut run = vec![last];
        let mut at = number;
        while let Some((before, taken)) = &self.parents[at] {
            run.push(taken.clone());
            at = *before;
        }
        run.reverse();
        self.seen.broken.get_or_insert((what, run));
    }
}

/// The first sentence that does not hold.
pub fn first_broken<'a>(
    invariant: &'a Invariant,
    state: &State,
    world: &World,
) -> Option<&'a Conjunct> {
    invariant.0.iter().find(|conjunct| {
        let mut names = Vec::new();
        !holds_for_all(&conjunct.vars, &conjunct.body, state, world, &mut names)
    })
}

fn holds_for_all(
    vars: &[Param],
    body: &Expr,
    state: &State,
    world: &World,
    names: &mut Vec<(&'static str, Value)>,
) -> bool {
    let Some((first, others)) = vars.split_first() else {
        return state.holds(body, names, &world.fixed);
    };
    world.values(first.sort).into_iter().all(|value| {
        names.push((first.name, value));
        let holds = holds_for_all(others, body, state, world, names);
        names.pop();
        holds
    })
}

/// Every way in which the step may be taken. A guard is asked as soon as all that it speaks of is chosen.
fn choices(step: &Step, state: &State, world: &World) -> Vec<Vec<(&'static str, Value)>> {
    let mut chosen = vec![Vec::new()];
    for nth in 0..=step.params.len() {
        let ripe: Vec<&Expr> = step
            .guards
            .iter()
            .filter(|guard| ripens(guard, &step.params) == nth)
            .collect();
        let may = |names: &Names| ripe.iter().all(|it| state.holds(it, names, &world.fixed));
        chosen.retain(|names: &Vec<_>| may(names));
        let Some(param) = step.params.get(nth) else {
            break;
        };
        let values = world.values(param.sort);
        let with = |names: Vec<(&'static str, Value)>| {
            let next = values.iter().map(move |value| {
                let mut names = names.clone();
                names.push((param.name, *value));
                names
            });
            next.collect::<Vec<_>>()
        };
        chosen = chosen.into_iter().flat_map(with).collect();
    }
    chosen
}

/// After how many parameters all that the guard speaks of is chosen.
fn ripens(guard: &Expr, params: &[Param]) -> usize {
    let last = params.iter().rposition(|param| guard.mentions(param.name));
    last.map_or(0, |nth| nth + 1)
}
