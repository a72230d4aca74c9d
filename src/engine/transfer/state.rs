//! Call transfer as two tables: of an end, and of a leg of the middle (RFC 5456 §6.5, Figure 4; chan_iax2).
//!
//! ```text
//! end     None --TXREQ--> Reserving --> Begin --TXACC--> Ready --TXREL--> None, and elsewhere
//!                                                          \---TXMEDIA--> MediaPass
//! middle  None --> Begin --TXREADY, and the other is ready--> Release
//!                                                      \----> Media
//! ```
//!
//! Of the middle's two legs the one that the application named first leads: it alone decides, so that two messages that
//! cross cannot let one end go and keep the other. TXREJ leads back to `None` from everywhere but `Release`. A leg is one or the
//! other: where both sides of a call want out of it, the TXREQ with the lower TRANSFERID is a TXREJ to the other.

/// Where an end is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum End {
    /// No transfer.
    #[default]
    None,
    /// TXREQ came; whether our call number may be used with the third party is being looked up.
    Reserving,
    /// TXCNT is out.
    Begin,
    /// The third party answered; TXREADY is out.
    Ready,
    /// Mini frames go to the third party, the rest to the middle.
    MediaPass,
}

/// What happens to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum EndEvent {
    /// TXREQ.
    TxReq,
    /// Our number is free with the third party.
    Reserved,
    /// It is not.
    Unavailable,
    /// TXCNT of the third party.
    TxCnt,
    /// TXACC of the third party.
    TxAcc,
    /// It is time for the next TXCNT.
    Tick,
    /// The last TXCNT, or TXREADY, has waited long enough.
    TimedOut,
    /// TXREL with the number that TXREQ announced.
    TxRel,
    /// TXMEDIA.
    TxMedia,
    /// TXREJ.
    TxRej,
}

/// What an end is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum EndAction {
    /// Look up whether our number may be used there.
    Reserve,
    /// Send TXCNT.
    Connect,
    /// Send TXCNT again.
    Resend,
    /// Send TXACC.
    Acknowledge,
    /// Send TXREADY.
    Ready,
    /// Send TXREJ; nothing was reserved.
    Refuse,
    /// Send TXREJ and forget the third party.
    Reject,
    /// Go over to the third party.
    Move,
    /// Send mini frames there.
    PassMedia,
    /// Forget the third party.
    Forget,
}

impl End {
    /// The next state and what to do, or `None` where nothing happens.
    pub(in crate::engine) const fn next(self, event: EndEvent) -> Option<(End, EndAction)> {
        use End::{Begin, MediaPass, None as Idle, Ready, Reserving};
        Some(match (self, event) {
            (Idle, EndEvent::TxReq) => (Reserving, EndAction::Reserve),
            (Reserving, EndEvent::Reserved) => (Begin, EndAction::Connect),
            (Reserving, EndEvent::Unavailable) => (Idle, EndAction::Refuse),

            (Begin | Ready | MediaPass, EndEvent::TxCnt) => (self, EndAction::Acknowledge),
            (Begin, EndEvent::Tick) => (Begin, EndAction::Resend),
            (Begin, EndEvent::TxAcc) => (Ready, EndAction::Ready),
            (Begin | Ready, EndEvent::TimedOut) => (Idle, EndAction::Reject),

            (Ready | MediaPass, EndEvent::TxRel) => (Idle, EndAction::Move),
            (Ready, EndEvent::TxMedia) => (MediaPass, EndAction::PassMedia),
            (Begin | Ready | MediaPass, EndEvent::TxRej) => (Idle, EndAction::Forget),
            _ => return None,
        })
    }
}

/// Where a leg of the middle is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum Middle {
    /// No transfer.
    #[default]
    None,
    /// It leads; TXREQ is out on both legs.
    Begin,
    /// It leads; its own end is ready.
    Ready,
    /// It leads; the other end is ready.
    OtherReady,
    /// It follows; TXREQ is out.
    Following,
    /// It follows; its own end is ready.
    FollowingReady,
    /// TXREL is out: the call is the ends' own.
    Release,
    /// TXMEDIA is out: the audio is the ends' own.
    Media,
}

/// What happens to a leg of the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum MiddleEvent {
    /// The application wants out.
    Start,
    /// The other leg leads.
    Follow,
    /// TXREADY.
    TxReady,
    /// TXREJ, or the end cannot.
    TxRej,
    /// The ends have taken too long.
    TimedOut,
    /// The other leg's end is ready.
    OtherReady,
    /// The other leg gave up.
    OtherRejected,
    /// The leg that leads lets both ends go.
    LetGo,
}

/// What a leg of the middle is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum MiddleAction {
    /// Send TXREQ and wait so long for both.
    Lead,
    /// Send TXREQ.
    Ask,
    /// Wait for the other end.
    Wait,
    /// Tell the leg that leads that this end is ready.
    TellReady,
    /// Tell the other leg to let its end go, and let this one go.
    LetBothGo,
    /// Send TXREL or TXMEDIA.
    LetGo,
    /// Tell the other leg that nothing comes of it.
    TellRejected,
    /// Send TXREJ.
    Reject,
    /// Both.
    RejectBoth,
}

impl Middle {
    /// Whether TXREQ is out, and nothing has come of it yet.
    pub(in crate::engine) const fn is_asking(self) -> bool {
        use Middle::{Begin, Following, FollowingReady, OtherReady, Ready};
        matches!(
            self,
            Begin | Ready | OtherReady | Following | FollowingReady
        )
    }

    /// The next state and what to do, or `None` where nothing happens. `gone` is where an end that is let go leaves the leg:
    /// [`Release`](Middle::Release) or [`Media`](Middle::Media).
    pub(in crate::engine) const fn next(
        self,
        event: MiddleEvent,
        gone: Middle,
    ) -> Option<(Middle, MiddleAction)> {
        use Middle::{Begin, Following, FollowingReady, Media, None as Idle, OtherReady, Ready};
        Some(match (self, event) {
            (Idle, MiddleEvent::Start) => (Begin, MiddleAction::Lead),
            (Begin, MiddleEvent::TxReady) => (Ready, MiddleAction::Wait),
            (Begin, MiddleEvent::OtherReady) => (OtherReady, MiddleAction::Wait),
            (Ready, MiddleEvent::OtherReady) | (OtherReady, MiddleEvent::TxReady) => {
                (gone, MiddleAction::LetBothGo)
            }
            (Begin | Ready | OtherReady, MiddleEvent::TimedOut) => (Idle, MiddleAction::RejectBoth),

            (Idle, MiddleEvent::Follow) => (Following, MiddleAction::Ask),
            (Following, MiddleEvent::TxReady) => (FollowingReady, MiddleAction::TellReady),
            (FollowingReady, MiddleEvent::LetGo) => (gone, MiddleAction::LetGo),

            (
                Begin | Ready | OtherReady | Following | FollowingReady | Media,
                MiddleEvent::TxRej,
            ) => (Idle, MiddleAction::TellRejected),
            (
                Begin | Ready | OtherReady | Following | FollowingReady | Media,
                MiddleEvent::OtherRejected,
            ) => (Idle, MiddleAction::Reject),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table_of_an_end() {
        use EndEvent::*;
        let states = [
            End::None,
            End::Reserving,
            End::Begin,
            End::Ready,
            End::MediaPass,
        ];
        let events = [
            TxReq,
            Reserved,
            Unavailable,
            TxCnt,
            TxAcc,
            Tick,
            TimedOut,
            TxRel,
            TxMedia,
            TxRej,
        ];
        let mut table = String::new();
        for state in states {
            for event in events {
                table += &match state.next(event) {
                    Some((next, action)) => {
                        format!("{state:?} {event:?}: {action:?} -> {next:?}\n")
                    }
                    None => format!("{state:?} {event:?}: -\n"),
                };
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn the_whole_table_of_the_middle() {
        use MiddleEvent::*;
        let states = [
            Middle::None,
            Middle::Begin,
            Middle::Ready,
            Middle::OtherReady,
            Middle::Following,
            Middle::FollowingReady,
            Middle::Release,
            Middle::Media,
        ];
        let events = [
            Start,
            Follow,
            TxReady,
            TxRej,
            TimedOut,
            OtherReady,
            OtherRejected,
            LetGo,
        ];
        let mut table = String::new();
        for gone in [Middle::Release, Middle::Media] {
            for state in states {
                for event in events {
                    table += &match state.next(event, gone) {
                        Some((next, action)) => {
                            format!("{gone:?}: {state:?} {event:?}: {action:?} -> {next:?}\n")
                        }
                        None => format!("{gone:?}: {state:?} {event:?}: -\n"),
                    };
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    /// However messages of the two legs cross, one end is let go only if the other is.
    #[test]
    fn no_crossing_of_messages_parts_the_ends() {
        let events = [MiddleEvent::TxReady, MiddleEvent::TxRej];
        let mut seen = 0;
        for plan in 0..1_u32 << 14 {
            seen += usize::from(both_or_none(plan, events));
        }
        assert!(seen > 0, "some plan lets both go");
    }

    /// Two legs, a queue each way. The bits of `plan` choose what happens next. An end that rejects does so before it is ready.
    fn both_or_none(plan: u32, events: [MiddleEvent; 2]) -> bool {
        let mut legs = [Middle::Begin, Middle::Following];
        let mut queues: [Vec<MiddleEvent>; 2] = Default::default();
        let mut spoken = [false; 2];
        for step in 0..7 {
            let bits = plan >> (2 * step);
            let leg = (bits & 1) as usize;
            let is_message = bits & 2 != 0;
            let event = if is_message && !queues[leg].is_empty() {
                queues[leg].remove(0)
            } else if !spoken[leg] {
                spoken[leg] = true;
                events[usize::from(is_message)]
            } else if leg == 0 {
                MiddleEvent::TimedOut
            } else {
                continue;
            };
            act(&mut legs, &mut queues, leg, event);
        }
        while let Some(leg) = (0..2).find(|leg| !queues[*leg].is_empty()) {
            let event = queues[leg].remove(0);
            act(&mut legs, &mut queues, leg, event);
        }
        let gone = legs.map(|leg| leg == Middle::Release);
        assert_eq!(gone[0], gone[1], "plan {plan:#x}: {legs:?}");
        gone[0]
    }

    fn act(
        legs: &mut [Middle; 2],
        queues: &mut [Vec<MiddleEvent>; 2],
        leg: usize,
        event: MiddleEvent,
    ) {
        let Some((next, action)) = legs[leg].next(event, Middle::Release) else {
            return;
        };
        legs[leg] = next;
        let said = match action {
            MiddleAction::TellReady => MiddleEvent::OtherReady,
            MiddleAction::LetBothGo => MiddleEvent::LetGo,
            MiddleAction::TellRejected | MiddleAction::RejectBoth => MiddleEvent::OtherRejected,
            _ => return,
        };
        queues[1 - leg].push(said);
    }
}
