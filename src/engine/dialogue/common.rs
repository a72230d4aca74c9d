//! What every dialogue does, whatever it is about: its opener with and without a call token, PING and LAGRQ, and UNSUPPORT to what
//! is not built here.

use crate::engine::cipher::Key;
use crate::engine::context::Turn;
use crate::engine::directory::Directory;
use crate::engine::opener::Opener;
use crate::engine::options::ADMISSION_WAIT;
use crate::engine::timer::TimerKind;
use crate::wire::ie::Loss;
use crate::wire::{
    Body, CallNumber, IaxCommand, IeBuffer, InformationElement, InformationElements, Timestamp,
};

impl<D: Directory> Turn<'_, D> {
    /// What every dialogue has from its start.
    pub(super) fn arm_first(&mut self) {
        let options = &self.context.options;
        let (ping, lagrq) = (options.ping_interval, options.lagrq_interval);
        self.arm(TimerKind::Ping, ping);
        self.arm(TimerKind::LagRq, lagrq);
        self.arm(TimerKind::Admission, ADMISSION_WAIT);
    }

    /// Sends the request that opens this dialogue, with an empty call token.
    pub(in crate::engine) fn open(&mut self, command: IaxCommand, ies: IeBuffer) {
        self.link.opener = Some(Opener::new(command, ies));
        self.send_opener(&[]);
    }

    fn send_opener(&mut self, token: &[u8]) {
        if let Some(opener) = &self.link.opener {
            let (command, ies) = (opener.command(), opener.elements(token));
            self.send(command, &ies);
        }
    }

    /// A CALLTOKEN came: the request goes out again from the start, with the token (X-TOK-2).
    pub(super) fn take_token(&mut self, token: &[u8]) {
        let now = self.now;
        let opener = self.link.opener.as_mut();
        if opener.is_some_and(|opener| opener.take_token(now, token)) {
            self.link.reliable.restart();
            self.send_opener(token);
        }
    }

    pub(super) fn outgrew_its_token(&mut self) -> bool {
        let now = self.now;
        let opener = self.link.opener.as_mut();
        opener.is_some_and(|opener| opener.outgrew_its_token(now))
    }

    pub(super) fn ask_for_a_token(&mut self) {
        self.link.reliable.restart();
        self.send_opener(&[]);
    }

    /// What every dialogue answers in the same way.
    pub(super) fn receive_common(
        &mut self,
        command: IaxCommand,
        ies: InformationElements<'_>,
        timestamp: Timestamp,
    ) {
        match command {
            IaxCommand::Ping => self.echo(IaxCommand::Pong, timestamp, &receiver_report()),
            IaxCommand::LagRq => self.echo(IaxCommand::LagRp, timestamp, &IeBuffer::new()),
            IaxCommand::Pong => self.measure(timestamp),
            IaxCommand::RtKey if self.link.is_encrypted() => {
                let key = ies.challenge().and_then(Key::from_octets);
                key.into_iter().for_each(|key| self.link.rotate(key));
            }
            _ if is_unsupported(command) => self.unsupported(command),
            _ => {}
        }
    }

    /// Says that a message is not for us (X-MISC-1).
    pub(in crate::engine) fn unsupported(&mut self, command: IaxCommand) {
        self.send(IaxCommand::Unsupport, &unknown(command));
    }

    pub(super) fn ping(&mut self) {
        self.arm(TimerKind::Ping, self.context.options.ping_interval);
        if self.link.reliable.remote() == CallNumber::ZERO {
            return;
        }
        let body = Body::Iax {
            command: IaxCommand::Ping,
            ies: InformationElements::EMPTY,
        };
        self.link.last_ping = self.link.reliable.send(self.now, body).ok();
    }

    pub(super) fn lagrq(&mut self) {
        self.arm(TimerKind::LagRq, self.context.options.lagrq_interval);
        if self.link.reliable.remote() != CallNumber::ZERO {
            self.send(IaxCommand::LagRq, &IeBuffer::new());
        }
    }

    /// A PONG counts where it echoes our last PING.
    fn measure(&mut self, echoed: Timestamp) {
        if self
            .link
            .last_ping
            .take_if(|ping| *ping == echoed)
            .is_some()
        {
            self.link.reliable.measure(self.now, echoed);
        }
    }
}

/// What is answered with UNSUPPORT (X-MISC-1): all that is not built here and takes a sequence number. What is about
/// transfers, and digits (RFC 5456 §6.8), the call decides.
const fn is_unsupported(command: IaxCommand) -> bool {
    use IaxCommand::{FwData, FwDownl, Mwi, Page, Provision, RtKey, Transfer, Unknown};
    matches!(
        command,
        FwData | FwDownl | Mwi | Page | Provision | RtKey | Transfer | Unknown(_)
    )
}

fn unknown(command: IaxCommand) -> IeBuffer {
    let reported = match command {
        IaxCommand::Unknown(unknown) => unknown.reported(),
        known => known.octet(),
    };
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::IaxUnknown(reported));
    ies
}

/// The six elements of PONG. There is no jitter buffer here, so chan_iax2's values without one.
fn receiver_report() -> IeBuffer {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::RrJitter(0))
        .push(InformationElement::RrLoss(Loss(0)))
        .push(InformationElement::RrPkts(1))
        .push(InformationElement::RrDelay(40))
        .push(InformationElement::RrDropped(0))
        .push(InformationElement::RrOoo(0));
    ies
}
