//! Asks a solver: z3 or cvc5, whichever is in the PATH, by text through a pipe. What it does not know is no answer.

use core::time::Duration;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};

/// What a solver says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is no such state.
    Unsat,
    /// There is one.
    Sat,
    /// It does not know, with what it said. Never a pass.
    Unknown(String),
}

/// Which solver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// z3.
    Z3,
    /// cvc5.
    Cvc5,
}

/// How eagerly z3 thinks of a quantified sentence at the sight of its trigger: at first, and where it did not know. At one setting
/// or another each hard question hangs, and none at all of them.
const THRESHOLDS: [u32; 4] = [2, 10, 5, 1];

/// The time that a solver may take for one question at one setting. The slowest takes under a second.
const MILLISECONDS_MAX: u32 = 10_000;

/// Past it a solver that obeys no limit is ended.
const PATIENCE: Duration = Duration::from_secs(30);

/// A solver that runs, one question at a time.
#[derive(Debug)]
pub struct Solver {
    kind: Kind,
    program: PathBuf,
    version: String,
    process: Option<Process>,
    /// How many questions had to be asked again.
    pub retries: u32,
}

#[derive(Debug)]
struct Process {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Solver {
    /// The first solver that can be started, or `None`.
    pub fn find() -> Option<Self> {
        let known = [(Kind::Z3, "z3"), (Kind::Cvc5, "cvc5")];
        let mut found = known.into_iter();
        found.find_map(|(kind, program)| Solver::at(kind, program.into()))
    }

    /// The solver that this program is, or `None` where it cannot be started.
    pub fn at(kind: Kind, program: PathBuf) -> Option<Self> {
        let said = Command::new(&program).arg("--version").output().ok()?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        Some(Solver {
            kind,
            program,
            version: said.lines().next()?.trim().to_owned(),
            process: None,
            retries: 0,
        })
    }

    /// What it calls itself.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether there is a state as the text says. Asks again at other settings where the solver does not know.
    pub fn ask(&mut self, text: &str) -> Answer {
        let mut answer = Answer::Unknown("not asked".into());
        for (nth, threshold) in self.settings().into_iter().enumerate() {
            self.retries += u32::from(nth > 0);
            answer = self.ask_once(text, threshold);
            if !matches!(answer, Answer::Unknown(_)) {
                break;
            }
        }
        answer
    }

    /// The values of these terms in the state that [`Solver::ask`] has just found.
    pub fn values(&mut self, terms: &[String]) -> Vec<String> {
        if self.kind != Kind::Z3 {
            return Vec::new();
        }
        let value = |term: &String| {
            let said = self.say(&format!("(eval {term})\n")).ok()?;
            Some(format!("{term} = {said}"))
        };
        terms.iter().filter_map(value).collect()
    }

    fn settings(&self) -> Vec<u32> {
        match self.kind {
            Kind::Z3 => THRESHOLDS.to_vec(),
            Kind::Cvc5 => vec![0],
        }
    }

    fn ask_once(&mut self, text: &str, threshold: u32) -> Answer {
        let question = format!("{}{text}(check-sat)\n", self.options(threshold));
        let said = self.say(&question).unwrap_or_else(|error| error);
        match said.as_str() {
            "unsat" => Answer::Unsat,
            "sat" => Answer::Sat,
            "unknown" | "timeout" => Answer::Unknown(said),
            _ => {
                // After an error it goes on, and its next line would be taken for the answer to another question.
                self.process = None;
                Answer::Unknown(said)
            }
        }
    }

    /// What comes before each question.
    fn options(&self, threshold: u32) -> String {
        match self.kind {
            Kind::Z3 => format!(
                "(reset)\n(set-option :auto_config false)\n(set-option :smt.mbqi false)\n\
                 (set-option :smt.qi.eager_threshold {threshold}.0)\n(set-option :timeout {MILLISECONDS_MAX})\n"
            ),
            Kind::Cvc5 => "(reset)\n(set-logic ALL)\n".to_owned(),
        }
    }

    /// Sends the text and waits for one line.
    fn say(&mut self, text: &str) -> Result<String, String> {
        let process = match &mut self.process {
            Some(process) => process,
            none => none.insert(start(self.kind, &self.program)?),
        };
        let answer = process.say(text);
        if answer.is_err() {
            // What it would say later would be taken for the next answer.
            self.process = None;
        }
        answer
    }
}

impl Process {
    fn say(&mut self, text: &str) -> Result<String, String> {
        let sent = self.input.write_all(text.as_bytes());
        sent.and_then(|()| self.input.flush())
            .map_err(|error| error.to_string())?;
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => Err("no answer".into()),
            Err(RecvTimeoutError::Disconnected) => Err("it ended".into()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(kind: Kind, program: &Path) -> Result<Process, String> {
    let args: &[&str] = match kind {
        Kind::Z3 => &["-in"],
        Kind::Cvc5 => &["--lang=smt2", "--incremental", "--tlimit-per=10000"],
    };
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let input = child.stdin.take().ok_or("no pipe to it")?;
    let output = child.stdout.take().ok_or("no pipe from it")?;
    let (send, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    Ok(Process {
        child,
        input,
        lines,
    })
}
