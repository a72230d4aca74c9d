//! Octets as steps: seven each, every one read modulo its choices, so that every value means something.

/// The most steps of one input; more say nothing new and cost time.
pub const STEPS_MAX: usize = 64;
/// The most datagrams that the strangers of one input send.
pub const DATAGRAMS_MAX: u32 = 4_000;
/// Octets of a step.
const STEP_LEN: usize = 7;

/// One step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// How long before it: 0, 20 ms, 1 s, 12 s or 70 s, modulo 5.
    pub wait: u8,
    /// From which of four addresses, or as the fifth in the name of an address that is not the sender's.
    pub from: u8,
    /// What is sent: see [`WHATS`].
    pub what: u8,
    /// As whom, see `town`.
    pub name: u8,
    /// With which token: none, an empty one, a forged one, the one that came.
    pub token: u8,
    /// With which secret: none, a wrong one, the right one.
    pub secret: u8,
    /// How often.
    pub times: u8,
}

/// What [`Step::what`] says.
pub const WHATS: [What; 10] = [
    What::New,
    What::RegReq,
    What::RegRel,
    What::Poke,
    What::Proof,
    What::Ack,
    What::Hangup,
    What::Voice,
    What::Visit,
    What::HandOver,
];

/// What a stranger sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// NEW.
    New,
    /// REGREQ.
    RegReq,
    /// REGREL.
    RegRel,
    /// POKE.
    Poke,
    /// What proves the secret in the dialogue that was opened last.
    Proof,
    /// ACK.
    Ack,
    /// HANGUP.
    Hangup,
    /// VOICE.
    Voice,
    /// A whole call: it asks for a token, calls, proves itself where it must, acknowledges and hangs up.
    Visit,
    /// The same, but it does not hang up: it goes over to the next stranger (RFC 5456 §6.5).
    HandOver,
}

/// What octets read as.
pub fn decode(octets: &[u8]) -> Vec<Step> {
    let (steps, _) = octets.as_chunks::<STEP_LEN>();
    let step = |[wait, from, what, name, token, secret, times]: &[u8; STEP_LEN]| Step {
        wait: *wait,
        from: *from,
        what: *what,
        name: *name,
        token: *token,
        secret: *secret,
        times: *times,
    };
    steps.iter().map(step).take(STEPS_MAX).collect()
}

/// Steps as octets that read back as these steps.
pub fn encode(steps: &[Step]) -> Vec<u8> {
    let octets = |it: &Step| {
        [
            it.wait, it.from, it.what, it.name, it.token, it.secret, it.times,
        ]
    };
    steps.iter().flat_map(octets).collect()
}
