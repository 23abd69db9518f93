//! Changing some settings of a connector, by several at once.

use millstream_api::ErrorKind;

use super::*;
use crate::herder::PatchConnector;
use crate::store::ConfigStore;

impl World {
    async fn patch(&self, name: &str, patch: &[(&str, Option<&str>)]) -> Result<crate::model::ConnectorInfo> {
        let patch = patch.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned))).collect();
        let patch = PatchConnector { name: name.into(), patch };
        self.herder.ask(|reply| Request::Patch(patch, reply)).await
    }
}

#[tokio::test(start_paused = true)]
async fn no_patch_undoes_another() {
    let world = Arc::new(World::start().await);
    world.running("c").await;
    let all = (0..8).map(|n| {
        let world = world.clone();
        tokio::spawn(async move { world.patch("c", &[(&format!("key.{n}"), Some("x"))]).await })
    });
    for one in futures::future::join_all(all).await {
        one.unwrap().unwrap();
    }
    let state = world.configs.state();
    let keys: Vec<_> = state.config("c").unwrap().keys().filter(|key| key.starts_with("key.")).collect();
    assert_eq!(keys.len(), 8, "{keys:?}");
}

#[tokio::test(start_paused = true)]
async fn null_removes_and_the_result_must_be_valid() {
    let world = World::start().await;
    world.put("c", &[("gone", "1"), ("kept", "2")], None).await.unwrap();
    let info = world.patch("c", &[("gone", None), ("new", Some("3"))]).await.unwrap();
    assert_eq!(
        (info.config.get("gone"), info.config.get("kept"), info.config.get("new")),
        (None, Some("2"), Some("3"))
    );
    for (patch, kind, says) in [
        (&[("tasks.max", Some("0"))][..], ErrorKind::Config, "1 error"),
        (&[("name", Some("other"))], ErrorKind::Config, "doesn't match"),
        (&[("name", None)], ErrorKind::Config, "name"),
    ] {
        let error = world.patch("c", patch).await.unwrap_err();
        assert!(error.kind() == kind && error.to_string().contains(says), "{error}");
    }
    assert_eq!(world.patch("none", &[]).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.configs.state().config("c"), Some(&info.config));
}
