//! What librdkafka has to say to an admin client: log lines and errors, which rdkafka's leaves in their queue for ever.
//!
//! Every block says why it is sound.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::AdminClient;
use rdkafka::bindings as sys;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

/// The queue of an admin client's events, to be polled as long as the client lives.
pub struct EventQueue<C: ClientContext + 'static> {
    queue: *mut sys::rd_kafka_queue_t,
    /// Outlives the queue; its context is told.
    client: Arc<AdminClient<C>>,
}

// SAFETY: librdkafka's queues lock, and the handle never changes; the client may be used from any thread.
unsafe impl<C: ClientContext + 'static> Send for EventQueue<C> {}
// SAFETY: as above.
unsafe impl<C: ClientContext + 'static> Sync for EventQueue<C> {}

impl<C: ClientContext + 'static> EventQueue<C> {
    /// The queue of this client.
    pub fn of(client: Arc<AdminClient<C>>) -> Self {
        // SAFETY: the client is alive; the queue is released in `drop`, before the client.
        let queue = unsafe { sys::rd_kafka_queue_get_main(client.inner().native_ptr()) };
        Self { queue, client }
    }

    /// Waits for an event and tells the client's context. Comes back earlier after [`EventQueue::wake`].
    pub fn poll(&self, timeout: Duration) {
        let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is alive; an event is ours until it is destroyed, once, after its last use. Texts belong to the event.
        unsafe {
            let event = sys::rd_kafka_queue_poll(self.queue, timeout);
            if event.is_null() {
                return;
            }
            let context = self.client.inner().context();
            match sys::rd_kafka_event_type(event) {
                sys::RD_KAFKA_EVENT_LOG => {
                    let (mut facility, mut message, mut level) = (ptr::null(), ptr::null(), 0);
                    if sys::rd_kafka_event_log(event, &mut facility, &mut message, &mut level) == 0 {
                        context.log(log_level(level), text(facility).trim(), text(message).trim());
                    }
                }
                sys::RD_KAFKA_EVENT_ERROR => {
                    let error = KafkaError::Global(sys::rd_kafka_event_error(event).into());
                    context.error(error, text(sys::rd_kafka_event_error_string(event)).trim());
                }
                _ => {}
            }
            sys::rd_kafka_event_destroy(event);
        }
    }

    /// Ends a [`EventQueue::poll`] of another thread.
    pub fn wake(&self) {
        // SAFETY: the queue is alive.
        unsafe { sys::rd_kafka_queue_yield(self.queue) }
    }
}

impl<C: ClientContext + 'static> Drop for EventQueue<C> {
    fn drop(&mut self) {
        // SAFETY: made in `of`, released once, while the client is alive.
        unsafe { sys::rd_kafka_queue_destroy(self.queue) }
    }
}

/// A text of an event.
///
/// # Safety
///
/// Null, or a C string that lives as long as the event.
unsafe fn text<'a>(pointer: *const c_char) -> std::borrow::Cow<'a, str> {
    if pointer.is_null() {
        return "".into();
    }
    // SAFETY: by the contract above.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy()
}

/// The level of this number in syslog.
fn log_level(number: i32) -> RDKafkaLogLevel {
    match number {
        0 => RDKafkaLogLevel::Emerg,
        1 => RDKafkaLogLevel::Alert,
        2 => RDKafkaLogLevel::Critical,
        3 => RDKafkaLogLevel::Error,
        4 => RDKafkaLogLevel::Warning,
        5 => RDKafkaLogLevel::Notice,
        6 => RDKafkaLogLevel::Info,
        _ => RDKafkaLogLevel::Debug,
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use rdkafka::ClientConfig;

    use super::*;

    #[derive(Default)]
    struct Told(Arc<Mutex<Vec<String>>>);

    impl ClientContext for Told {
        fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
            self.0.lock().push(format!("log {facility} {message}"));
        }

        fn error(&self, error: KafkaError, reason: &str) {
            self.0.lock().push(format!("error {error} {reason}"));
        }
    }

    #[test]
    fn lines_and_errors_reach_the_context() {
        let told = Arc::default();
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", format!("127.0.0.1:{port}")).set("debug", "broker");
        config.set_log_level(RDKafkaLogLevel::Debug);
        let client: AdminClient<Told> = config.create_with_context(Told(Arc::clone(&told))).unwrap();
        let events = EventQueue::of(Arc::new(client));
        let seen = |what: &str| told.lock().iter().any(|line: &String| line.starts_with(what));
        let start = std::time::Instant::now();
        while !(seen("log ") && seen("error ")) {
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", told.lock());
            events.poll(Duration::from_millis(100));
        }
    }
}
