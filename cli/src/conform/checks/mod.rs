//! The table of checks, a file for each chapter.

mod challenge;
mod codec;
mod control;
mod dial;
mod elements;
mod encrypted;
mod encrypting;
mod encryption;
mod ending;
mod frames;
mod hostile;
mod lapse;
mod login;
mod media;
mod messages;
mod outgoing;
mod reached;
mod registration;
mod release;
mod reliable;
mod repeat;
mod second;
mod setup;
mod token;
mod transfer;

use iaxproof::wire::IaxCommand;

use super::check::Check;
use super::peer::Heard;
use super::trial::is_verdict;

/// Every chapter.
const CHAPTERS: &[&[Check]] = &[
    registration::CHECKS,
    challenge::CHECKS,
    release::CHECKS,
    lapse::CHECKS,
    setup::CHECKS,
    ending::CHECKS,
    codec::CHECKS,
    login::CHECKS,
    encryption::CHECKS,
    encrypted::CHECKS,
    encrypting::CHECKS,
    control::CHECKS,
    dial::CHECKS,
    outgoing::CHECKS,
    reached::CHECKS,
    transfer::CHECKS,
    messages::CHECKS,
    reliable::CHECKS,
    repeat::CHECKS,
    frames::CHECKS,
    media::CHECKS,
    elements::CHECKS,
    token::CHECKS,
    hostile::CHECKS,
];

/// Every check.
pub(super) fn all() -> impl Iterator<Item = &'static Check> + Clone {
    CHAPTERS.iter().flat_map(|chapter| chapter.iter())
}

/// What answers a NEW: it is decided, or a login is wanted.
fn setup_answer(heard: &Heard) -> bool {
    is_verdict(heard) || heard.is(IaxCommand::AuthReq)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// How many checks there are at least.
    const CHECKS_MIN: usize = 287;

    #[test]
    fn each_check_has_an_id_of_its_own_and_a_statement() {
        let ids: BTreeSet<&str> = all().map(|check| check.id).collect();
        assert_eq!(ids.len(), all().count());
        for check in all() {
            assert!(check.statement.ends_with('.'), "{}", check.id);
            assert!(!check.covers.contains(&check.row()), "{}", check.id);
        }
    }

    #[test]
    fn no_check_gets_lost() {
        assert!(all().count() >= CHECKS_MIN, "{}", all().count());
    }
}
