//! The key that workers sign their internal requests with: the leader writes it, and a new one when it expires.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use millstream_api::{Error, Result};
use millstream_core::cluster::{SessionKeyDue, SessionKeyPolicy};
use tokio_util::sync::CancellationToken;

use super::ConfigStore;
use crate::membership::{Leader, Membership};

/// Pause before a key is written again that could not be written.
const PAUSE: Duration = Duration::from_secs(5);
/// The clock may be set meanwhile: no sleep is longer.
const LONGEST: Duration = Duration::from_secs(600);

/// Keeps a valid session key in the config topic while this worker leads.
pub struct SessionKeeper {
    configs: Arc<dyn ConfigStore>,
    membership: Arc<dyn Membership>,
    policy: SessionKeyPolicy,
}

impl SessionKeeper {
    /// Writes nothing yet.
    pub fn new(configs: Arc<dyn ConfigStore>, membership: Arc<dyn Membership>, policy: SessionKeyPolicy) -> Self {
        Self { configs, membership, policy }
    }

    /// Runs until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let mut view = self.membership.view();
        loop {
            let leads = view.borrow_and_update().leader == Leader::Me;
            let renewed = async { if leads { self.renew().await } else { LONGEST } };
            let wait = tokio::select! {
                () = stop.cancelled() => return,
                wait = renewed => wait,
            };
            tokio::select! {
                () = stop.cancelled() => return,
                changed = view.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Writes a key if one is due; returns when to look again.
    async fn renew(&self) -> Duration {
        let now = epoch_millis();
        let due = self.policy.due(self.configs.state().session_key(), now);
        match due {
            SessionKeyDue::Never => LONGEST,
            SessionKeyDue::At(time) => Duration::from_millis(time.saturating_sub(now).unsigned_abs()).min(LONGEST),
            SessionKeyDue::Now => match self.write(now).await {
                Ok(()) => {
                    tracing::info!("session key distributed");
                    Duration::ZERO
                }
                Err(error) => {
                    tracing::warn!(%error, "a session key was not written, trying again");
                    PAUSE
                }
            },
        }
    }

    async fn write(&self, now: i64) -> Result<()> {
        let mut bytes = vec![0; self.policy.key_bytes()];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| Error::fatal("the system gives no random numbers for a session key"))?;
        self.configs.put_session_key(self.policy.key(&bytes, now)).await
    }
}

fn epoch_millis() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::membership::{Owned, View};
    use crate::store::MemoryConfigStore;
    use millstream_core::cluster::Change;
    use tokio::sync::watch;

    struct Group(watch::Sender<View>);

    #[async_trait::async_trait]
    impl Membership for Group {
        fn view(&self) -> watch::Receiver<View> {
            self.0.subscribe()
        }

        fn rebalance_needed(&self) {}

        async fn leave(&self) -> Result<()> {
            Ok(())
        }
    }

    fn view(leader: Leader) -> View {
        View { generation: 1, leader, owned: Owned::Everything }
    }

    #[tokio::test]
    async fn the_leader_alone_writes_one_key_and_the_next_when_it_expires() {
        let store = Arc::new(MemoryConfigStore::new());
        store.start().await.unwrap();
        let mut changes = store.changes().unwrap();
        let group = Arc::new(Group(watch::Sender::new(view(Leader::Other("http://h:1".to_owned())))));
        let settings = [("inter.worker.key.ttl.ms", "40"), ("inter.worker.key.size", "128")];
        let policy = SessionKeyPolicy::of(&settings.into_iter().collect()).unwrap().unwrap();
        let stop = CancellationToken::new();
        let keeper = SessionKeeper::new(store.clone(), group.clone(), policy);
        let running = tokio::spawn(keeper.run(stop.clone()));
        tokio::task::yield_now().await;
        assert!(store.state().session_key().is_none());
        group.0.send_replace(view(Leader::Me));
        let mut keys = Vec::new();
        for _ in 0..3 {
            assert_eq!(changes.recv().await, Some(Change::SessionKey));
            keys.push(store.state().session_key().unwrap().clone());
        }
        assert!(keys[0].key != keys[1].key && keys[1].key != keys[2].key);
        assert!(keys[1].creation_timestamp - keys[0].creation_timestamp >= 40);
        group.0.send_replace(view(Leader::Unknown));
        stop.cancel();
        running.await.unwrap();
    }
}
