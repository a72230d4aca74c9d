//! Any octets as what strangers do at a server: openers by the hundred, names that nobody has, right secrets from wrong places, frames in
//! the name of somebody else. What a server owes to those whom it does not know is judged here, by rules that stand apart from it:
//!
//! - *kept-out*: nobody is let in whom the settings of the name keep out, be they of the configuration or of a row.
//! - *names-untold*: who cannot prove a secret is not told whether a name is known. The same octets go to two servers, one of which lacks
//!   the names, and both must answer in one shape at one time.
//! - *bounded*: who shows no token takes no call number, and who does not see our answers gets no more than their allowance.
//! - *handed-over*: a call that is sent to another address, and was answered from there, goes over.
//! - *no-leak*: when all is over there is nothing that a visit left behind.
//!
//! [`step`] says how octets are read. `town` has the accounts and the rules, `caller` is one who comes, `handover` what three of them do
//! together, `bench` the server, `judge` who looks on, and `shape` how an answer looks from outside.

mod bench;
mod caller;
mod handover;
mod judge;
mod shape;
pub mod step;
mod town;

use self::bench::Bench;
pub use self::bench::Visits;
use self::step::{Step, decode};
use self::town::Town;

/// What is judged here and by no checker.
pub const PROPERTIES: [&str; 3] = [KEPT_OUT, NAMES_UNTOLD, HANDED_OVER];

/// As the target `config` judges it too: a line of an access list that says nothing lets everybody in.
pub(super) const KEPT_OUT: &str = "kept-out";
const HANDED_OVER: &str = "handed-over";
const NAMES_UNTOLD: &str = "names-untold";

/// The body of the fuzz target.
///
/// # Panics
///
/// Where the server lets somebody in, tells a name, or keeps something.
pub fn stranger(octets: &[u8]) {
    let steps = decode(octets);
    visit(&steps);
    compare(&steps);
}

/// Lets strangers come to a server with a database, and says what came of it.
///
/// # Panics
///
/// Where the server lets somebody in, or keeps something.
pub fn visit(steps: &[Step]) -> Visits {
    Bench::run(&Town::WHOLE, steps).visits
}

/// Lets strangers who know no secret come to two servers, of which one lacks the names that have one.
///
/// # Panics
///
/// Where the two can be told apart.
pub fn compare(steps: &[Step]) {
    let [known, unknown] = [Town::KNOWN, Town::UNKNOWN].map(|town| Bench::run(&town, steps).shapes);
    let pairs = known.iter().zip(&unknown);
    for (known, unknown) in pairs {
        assert!(
            known == unknown,
            "{NAMES_UNTOLD}: {known}, where a name is known, is {unknown}, where it is not"
        );
    }
    let (known, unknown) = (known.len(), unknown.len());
    assert!(
        known == unknown,
        "{NAMES_UNTOLD}: {known} datagrams come, where a name is known, and {unknown}, where it is not"
    );
}
