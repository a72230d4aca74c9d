//! A call that goes over to a third party (RFC 5456 §6.5): a stranger who has a call asks the server to try another one, who answers, and
//! then lets go. All of it happens at one instant, and no datagram is lost, so each answer must be there.

use core::net::SocketAddr;

use iaxproof::wire::{
    ApparentAddress, Body, CallNumber, FullFrame, IaxCommand, IeBuffer, InformationElement, SeqNo,
    Timestamp,
};

use super::HANDED_OVER;
use super::bench::Bench;
use super::town::ADDRESSES;

/// TRANSFERID.
const ID: u32 = 0x7472;

/// Who a call is to go to, and what it has heard.
#[derive(Clone, Debug)]
pub(super) struct Third {
    address: SocketAddr,
    number: CallNumber,
    /// The server's number, once it has tried.
    server: Option<CallNumber>,
    /// Whether the server has told the other side that it can go over.
    is_ready: bool,
}

impl Third {
    /// A frame of the server.
    pub(super) fn hear(&mut self, to: SocketAddr, frame: &FullFrame<'_>) {
        let Body::Iax { command, .. } = frame.body else {
            return;
        };
        match command {
            IaxCommand::TxCnt if (to, frame.destination) == (self.address, self.number) => {
                self.server = Some(frame.source);
            }
            IaxCommand::TxReady => self.is_ready = true,
            _ => {}
        }
    }
}

impl Bench<'_> {
    /// The call that `who` has goes over to `next`.
    pub(super) fn hand_over(&mut self, who: usize, next: usize) {
        self.dialogues += 1;
        let (address, number) = (ADDRESSES[next], CallNumber::from_word(2 + self.dialogues));
        self.third = Some(Third {
            address,
            number,
            server: None,
            is_ready: false,
        });
        self.move_on(who, IaxCommand::TxReq, address, number);
        let tried = self.third.as_ref().and_then(|third| third.server);
        // Its number may be resting for the other address: then it says that it cannot.
        if let Some(server) = tried {
            self.arrive(next, &accepted(number, server));
            let is_ready = self.third.as_ref().is_some_and(|third| third.is_ready);
            assert!(
                is_ready,
                "{HANDED_OVER}: {address} has answered the server, which does not hear it"
            );
            let before = self.run.visits.handed_over;
            self.move_on(who, IaxCommand::TxRel, address, number);
            assert!(
                self.run.visits.handed_over > before,
                "{HANDED_OVER}: the call is let go and stays where it was"
            );
        }
        self.third = None;
    }

    fn move_on(
        &mut self,
        who: usize,
        command: IaxCommand,
        address: SocketAddr,
        number: CallNumber,
    ) {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::ApparentAddr(ApparentAddress(address)))
            .push(InformationElement::CallNo(number.get()))
            .push(InformationElement::TransferId(ID));
        let octets = self.callers[who].iax(command, &ies);
        self.arrive(who, &octets);
    }
}

/// TXACC of the third party.
fn accepted(source: CallNumber, destination: CallNumber) -> Vec<u8> {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::TransferId(ID));
    let frame = FullFrame {
        source,
        destination,
        retransmission: false,
        timestamp: Timestamp(3),
        oseqno: SeqNo(0),
        iseqno: SeqNo(0),
        body: Body::Iax {
            command: IaxCommand::TxAcc,
            ies: ies.view(),
        },
    };
    let mut octets = Vec::with_capacity(frame.encoded_len());
    frame.encode(&mut octets);
    octets
}
