//! Kafka's errors as the worker's: what may be tried again, what an operator must do.

use millstream_api::{Error, ErrorKind};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

/// The error of an attempt; `doing` says what was tried, as in `cannot write to topic connect-configs`.
pub fn kafka_error(doing: impl Into<String>, error: KafkaError) -> Error {
    // The text of this one repeats the setting's value.
    if let KafkaError::ClientConfig(_, _, key, _) = &error {
        return Error::config(format!("{}: the value of the client setting {key} is not usable", doing.into()));
    }
    let code = code_in(&error);
    let kind = match &error {
        KafkaError::Canceled => ErrorKind::Stopped,
        KafkaError::ClientCreation(_) => ErrorKind::Config,
        _ => code.map_or(ErrorKind::Fatal, kind_of),
    };
    let made = Error::new(kind, doing).caused_by(error);
    match code.and_then(hint_of) {
        Some(hint) => made.hint(hint),
        None => made,
    }
}

/// The broker's or client's code at the root of an error, if Kafka is its cause.
pub fn code_of(error: &Error) -> Option<Code> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(kafka) = error.downcast_ref::<KafkaError>() {
            return code_in(kafka);
        }
        cause = error.source();
    }
    None
}

fn code_in(error: &KafkaError) -> Option<Code> {
    match error {
        // rdkafka has a code for these, but does not tell it.
        KafkaError::AdminOp(code) => Some(*code),
        _ => error.rdkafka_error_code(),
    }
}

fn kind_of(code: Code) -> ErrorKind {
    match code {
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::Resolve
        | Code::OperationTimedOut
        | Code::MessageTimedOut
        | Code::RequestTimedOut
        | Code::TimedOutQueue
        | Code::QueueFull
        | Code::WaitingForCoordinator
        | Code::WaitCache
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::ReplicaNotAvailable
        | Code::BrokerNotAvailable
        | Code::NetworkException
        | Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::NotCoordinator
        | Code::NotEnoughReplicas
        | Code::NotEnoughReplicasAfterAppend
        | Code::NotController
        | Code::KafkaStorageError
        | Code::Retry
        | Code::ThrottlingQuotaExceeded
        | Code::RebalanceInProgress
        | Code::UnknownTopicOrPartition
        | Code::UnknownTopic
        | Code::UnknownPartition => ErrorKind::Retriable,
        Code::UnsupportedSASLMechanism | Code::InvalidArgument => ErrorKind::Config,
        Code::PurgeQueue | Code::PurgeInflight => ErrorKind::Stopped,
        _ => ErrorKind::Fatal,
    }
}

fn hint_of(code: Code) -> Option<&'static str> {
    match code {
        Code::TopicAuthorizationFailed => Some("the worker's principal needs an ACL on this topic"),
        Code::GroupAuthorizationFailed => Some("the worker's principal needs an ACL on this consumer group"),
        Code::ClusterAuthorizationFailed => Some("the worker's principal needs an ACL on the cluster"),
        Code::Authentication | Code::SaslAuthenticationFailed => {
            Some("check security.protocol, sasl.mechanism and sasl.jaas.config, with the prefix this client reads")
        }
        Code::SSL => Some("check the ssl.* settings, with the prefix this client reads, and the broker's certificate"),
        Code::MessageSizeTooLarge | Code::InvalidMessageSize => {
            Some("raise max.message.bytes of the topic, and max.request.size of the producer")
        }
        Code::BrokerTransportFailure | Code::AllBrokersDown | Code::Resolve => {
            Some("check bootstrap.servers and that the brokers are up")
        }
        Code::UnknownTopicOrPartition | Code::UnknownTopic => Some("check that the topic exists"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_hints() {
        let error = kafka_error("cannot write to topic t", KafkaError::MessageProduction(Code::NotEnoughReplicas));
        assert!(error.is_retriable());
        let outer = Error::fatal("outer").caused_by(error);
        assert_eq!((code_of(&outer), code_of(&Error::fatal("own"))), (Some(Code::NotEnoughReplicas), None));
        assert!(kafka_error("cannot create topic t", KafkaError::AdminOp(Code::NotController)).is_retriable());
        let error = kafka_error("cannot write to topic t", KafkaError::MessageProduction(Code::MessageSizeTooLarge));
        assert_eq!(error.kind(), ErrorKind::Fatal);
        assert!(error.hint_text().unwrap().contains("max.message.bytes"));
    }

    #[test]
    fn values_of_settings_stay_out() {
        let native = rdkafka::ClientConfig::new().set("acks", "hunter2").create_native_config();
        let Err(error) = native else { panic!("accepted") };
        let error = kafka_error("cannot make a client", error);
        assert!(!format!("{error} {}", error.trace()).contains("hunter2"));
    }
}
