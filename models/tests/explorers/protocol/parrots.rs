//! Solvers that do not do their work: none of them makes anything hold.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use iaxproof_models::protocol::solver::{Answer, Kind, Solver};

/// A program that runs this line of shell for each question.
fn parrot(name: &str, per_question: &str) -> Solver {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo parrot; exit; fi\n\
         while read -r line; do case \"$line\" in '(check-sat)') {per_question};; esac; done\n"
    );
    fs::write(&path, text).expect("the folder for tests can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    Solver::at(Kind::Z3, path).expect("the parrot can be started")
}

fn answers(solver: &mut Solver) -> [Answer; 3] {
    [(); 3].map(|()| solver.ask(""))
}

#[test]
fn what_a_solver_knows_is_taken() {
    let mut solver = parrot("knows", "echo unsat");
    assert_eq!(answers(&mut solver), [(); 3].map(|()| Answer::Unsat));
    assert_eq!(solver.retries, 0);
}

#[test]
fn what_a_solver_does_not_know_is_asked_again_at_other_settings() {
    let mut solver = parrot("does-not-know", "echo unknown");
    let unknown = Answer::Unknown("unknown".into());
    assert_eq!(solver.ask(""), unknown);
    assert_eq!(solver.retries, 3);
}

/// The answer to a question in which there is a mistake is not the answer to the next.
#[test]
fn an_answer_after_an_error_is_none() {
    let mut solver = parrot("errs", "echo '(error \"line 1\")'; echo unsat");
    for answer in answers(&mut solver) {
        assert!(matches!(answer, Answer::Unknown(_)), "{answer:?}");
    }
}

#[test]
fn a_solver_that_ends_has_not_answered() {
    let mut solver = parrot("ends", "exit");
    for answer in answers(&mut solver) {
        assert!(matches!(answer, Answer::Unknown(_)), "{answer:?}");
    }
}

#[test]
fn what_is_no_program_is_no_solver() {
    assert!(Solver::at(Kind::Z3, "/no/such/program".into()).is_none());
}
