//! CAUSECODE: why a call or a registration ended, as Q.931 numbers it (RFC 5456 §8.6.33).

use core::fmt;

use super::content::Content;

/// A cause. Any octet can be held, named or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause(pub u8);

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        impl Cause {
            $($(#[$doc])* pub const $name: Cause = Cause($code);)*

            /// The name, where the RFC has one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

causes! {
    /// The number is not assigned.
    UNALLOCATED = 1, "unallocated number";
    /// No route to the transit network.
    NO_ROUTE_TRANSIT = 2, "no route to transit network";
    /// No route to the destination.
    NO_ROUTE_DESTINATION = 3, "no route to destination";
    /// The channel cannot be used.
    CHANNEL_UNACCEPTABLE = 6, "channel unacceptable";
    /// The call is awarded and delivered.
    CALL_AWARDED = 7, "call awarded";
    /// One side hung up.
    NORMAL_CLEARING = 16, "normal clearing";
    /// The user is busy.
    USER_BUSY = 17, "user busy";
    /// The user does not respond.
    NO_USER_RESPONSE = 18, "no user response";
    /// The user does not answer.
    NO_ANSWER = 19, "no answer";
    /// The call was rejected.
    CALL_REJECTED = 21, "call rejected";
    /// The number has changed.
    NUMBER_CHANGED = 22, "number changed";
    /// The destination is out of order.
    DESTINATION_OUT_OF_ORDER = 27, "destination out of order";
    /// The number is no number, or not complete.
    INVALID_NUMBER = 28, "invalid number";
    /// The facility was rejected.
    FACILITY_REJECTED = 29, "facility rejected";
    /// An answer to a status enquiry.
    STATUS_ENQUIRY_RESPONSE = 30, "response to status enquiry";
    /// Normal, nothing more is said.
    NORMAL_UNSPECIFIED = 31, "normal, unspecified";
    /// No circuit or channel is free.
    NO_CIRCUIT = 34, "no circuit available";
    /// The network is out of order.
    NETWORK_OUT_OF_ORDER = 38, "network out of order";
    /// A failure that will pass.
    TEMPORARY_FAILURE = 41, "temporary failure";
    /// The switch is congested.
    SWITCH_CONGESTION = 42, "switch congestion";
    /// Access information was thrown away.
    ACCESS_INFORMATION_DISCARDED = 43, "access information discarded";
    /// The wanted channel is not free.
    CHANNEL_UNAVAILABLE = 44, "channel not available";
    /// The call was pre-empted.
    PRE_EMPTED = 45, "pre-empted";
    /// A resource is missing.
    RESOURCE_UNAVAILABLE = 47, "resource unavailable";
    /// The user has not subscribed to the facility.
    FACILITY_NOT_SUBSCRIBED = 50, "facility not subscribed";
    /// Outgoing calls are barred.
    OUTGOING_BARRED = 52, "outgoing call barred";
    /// Incoming calls are barred.
    INCOMING_BARRED = 54, "incoming call barred";
    /// The bearer is not allowed.
    BEARER_NOT_AUTHORIZED = 57, "bearer capability not authorized";
    /// The bearer cannot be had now.
    BEARER_UNAVAILABLE = 58, "bearer capability not available";
    /// The service cannot be had.
    SERVICE_UNAVAILABLE = 63, "service unavailable";
    /// The bearer is not implemented.
    BEARER_NOT_IMPLEMENTED = 65, "bearer capability not implemented";
    /// The channel type is not implemented.
    CHANNEL_TYPE_NOT_IMPLEMENTED = 66, "channel type not implemented";
    /// The facility is not implemented.
    FACILITY_NOT_IMPLEMENTED = 69, "facility not implemented";
    /// Restricted digital information alone.
    RESTRICTED_DIGITAL_ONLY = 70, "restricted digital only";
    /// The service or option is not implemented.
    SERVICE_NOT_IMPLEMENTED = 79, "service not implemented";
    /// The call reference is invalid.
    INVALID_CALL_REFERENCE = 81, "invalid call reference";
    /// The channel does not exist.
    CHANNEL_NONEXISTENT = 82, "channel does not exist";
    /// A call is suspended, but not with this identity.
    SUSPENDED_CALL_OTHER_IDENTITY = 83, "suspended call of other identity";
    /// The call identity is in use.
    CALL_IDENTITY_IN_USE = 84, "call identity in use";
    /// No call is suspended.
    NO_CALL_SUSPENDED = 85, "no call suspended";
    /// The suspended call was cleared.
    SUSPENDED_CALL_CLEARED = 86, "suspended call cleared";
    /// The destination is incompatible.
    INCOMPATIBLE_DESTINATION = 88, "incompatible destination";
    /// The transit network is invalid.
    INVALID_TRANSIT_NETWORK = 91, "invalid transit network";
    /// The message is invalid.
    INVALID_MESSAGE = 95, "invalid message";
    /// A mandatory information element is missing.
    MANDATORY_IE_MISSING = 96, "mandatory information element missing";
    /// The message type does not exist.
    MESSAGE_TYPE_NONEXISTENT = 97, "message type nonexistent";
    /// The message does not fit the state.
    WRONG_MESSAGE_FOR_STATE = 98, "message not compatible with state";
    /// The information element does not exist.
    IE_NONEXISTENT = 99, "information element nonexistent";
    /// The contents of an information element are invalid.
    INVALID_IE_CONTENTS = 100, "invalid information element contents";
    /// The message does not fit the call state.
    WRONG_CALL_STATE = 101, "wrong call state";
    /// A timer recovered.
    TIMER_RECOVERY = 102, "recovery on timer expiry";
    /// The length of a mandatory information element is wrong.
    MANDATORY_IE_LENGTH = 103, "mandatory information element length";
    /// The protocol was broken.
    PROTOCOL_ERROR = 111, "protocol error";
    /// Interworking with another network.
    INTERWORKING = 127, "interworking";
}

impl Content<'_> for Cause {
    fn read(data: &[u8]) -> Option<Self> {
        Content::read(data).map(Cause)
    }

    fn write(self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

/// `16 (normal clearing)`, or the number alone where it has no name.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_shows_its_number_and_its_name() {
        assert_eq!(Cause::CALL_REJECTED.to_string(), "21 (call rejected)");
        assert_eq!(Cause(0).to_string(), "0");
    }
}
