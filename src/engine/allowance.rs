//! How many octets may go to an address that has not shown that it receives (CVE-2008-1923, CVE-2008-3264): at most
//! [`FACTOR`] times what came from it, counted for each dialogue as UDP payload.
//!
//! What would exceed it is not sent and not kept: a reliable frame is sent again by its own schedule, and given up by it. A frame
//! that names our call number proves the address, for only who receives there knows the number.

/// How many octets may go to an unproven address for each that came from it.
pub const FACTOR: usize = 3;

/// The account of one dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowance {
    /// The address has proved itself: by a token, or by our call number.
    Proven,
    /// It has not; so many octets may still go there.
    Unproven(usize),
}

impl Allowance {
    /// Of a dialogue that began without a token.
    pub(super) const NOTHING: Allowance = Allowance::Unproven(0);

    pub(super) const fn is_proven(self) -> bool {
        matches!(self, Allowance::Proven)
    }

    /// A datagram came; whether it named our call number.
    pub(super) const fn receive(&mut self, octets: usize, names_us: bool) {
        *self = match *self {
            Allowance::Unproven(left) if !names_us => {
                Allowance::Unproven(left.saturating_add(octets.saturating_mul(FACTOR)))
            }
            _ => Allowance::Proven,
        };
    }

    /// Whether a datagram of so many octets may go out; if so, it is counted.
    pub(super) const fn send(&mut self, octets: usize) -> bool {
        match *self {
            Allowance::Proven => true,
            Allowance::Unproven(left) if octets <= left => {
                *self = Allowance::Unproven(left - octets);
                true
            }
            Allowance::Unproven(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_octets_go_out_for_each_that_came_until_it_names_us() {
        let mut account = Allowance::NOTHING;
        assert!(!account.send(1));
        account.receive(20, false);
        assert!(account.send(59) && account.send(1) && !account.send(1));
        account.receive(1, false);
        assert!(!account.send(4) && account.send(3));
        account.receive(12, true);
        assert!(account.is_proven() && account.send(1_000_000));
        account.receive(12, false);
        assert!(account.is_proven());
    }
}
