//! What a dialogue is about: hands to a registration, a call or a request of ours what only it knows the meaning of.

use crate::engine::call::CallLeg;
use crate::engine::context::Turn;
use crate::engine::directory::Directory;
use crate::engine::qualify::Poke;
use crate::engine::registrant::Registering;
use crate::engine::registrar::Registration;
use crate::wire::FullFrame;

/// What a dialogue is about.
#[derive(Debug)]
pub(in crate::engine) enum Machine<D: Directory> {
    /// A REGREQ or REGREL.
    Registration(Box<Registration<D>>),
    /// A call.
    Call(Box<CallLeg<D>>),
    /// A REGREQ or REGREL of ours.
    Registrant(Registering),
    /// A POKE of ours.
    Poke(Box<Poke>),
}

impl<D: Directory> Machine<D> {
    pub(super) fn receive(&mut self, turn: &mut Turn<'_, D>, frame: &FullFrame<'_>) {
        match self {
            Machine::Registration(registration) => registration.receive(turn, frame),
            Machine::Call(call) => call.receive(turn, frame),
            Machine::Registrant(request) => request.receive(turn, frame),
            Machine::Poke(poke) => poke.receive(turn, frame),
        }
    }

    pub(super) fn finished(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(registration) => registration.finished(turn),
            Machine::Call(call) => call.finished(turn),
            Machine::Registrant(request) => request.finished(turn),
            Machine::Poke(_) => {}
        }
    }

    pub(super) fn gave_up(&mut self, turn: &mut Turn<'_, D>, is_final: bool) {
        match self {
            _ if is_final => self.finished(turn),
            Machine::Registration(registration) => registration.gave_up(turn),
            Machine::Call(call) => call.gave_up(turn),
            Machine::Registrant(request) => request.gave_up(turn),
            // Its wait for a PONG is timed apart from its retransmissions.
            Machine::Poke(_) => {}
        }
    }

    pub(super) fn invalidated(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(registration) => registration.gave_up(turn),
            Machine::Call(call) => call.invalidated(turn),
            Machine::Registrant(request) => request.gave_up(turn),
            Machine::Poke(_) => {}
        }
    }

    pub(super) fn delay_elapsed(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(registration) => registration.delay_elapsed(turn),
            Machine::Call(call) => call.delay_elapsed(turn),
            Machine::Registrant(_) | Machine::Poke(_) => {}
        }
    }

    pub(super) fn waited_too_long(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(registration) => registration.waited_too_long(turn),
            Machine::Call(call) => call.waited_too_long(turn),
            Machine::Registrant(request) => request.gave_up(turn),
            Machine::Poke(_) => {}
        }
    }

    pub(super) fn answer_wait_elapsed(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(_) | Machine::Registrant(_) | Machine::Poke(_) => {}
            Machine::Call(call) => call.answer_wait_elapsed(turn),
        }
    }

    pub(super) fn store_delayed(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(registration) => registration.store_delayed(turn),
            Machine::Call(_) | Machine::Registrant(_) | Machine::Poke(_) => {}
        }
    }

    pub(super) fn poke_wait_elapsed(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(_) | Machine::Call(_) | Machine::Registrant(_) => {}
            Machine::Poke(poke) => poke.waited_too_long(turn),
        }
    }

    pub(super) fn transfer_timed_out(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(_) | Machine::Registrant(_) | Machine::Poke(_) => {}
            Machine::Call(call) => call.transfer_wait_elapsed(turn),
        }
    }

    pub(super) fn linger_elapsed(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(_) | Machine::Registrant(_) | Machine::Poke(_) => {}
            Machine::Call(call) => call.finished(turn),
        }
    }
}
