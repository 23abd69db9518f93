use std::path::Path;

use super::*;

const PACKAGE: &str = "org.apache.kafka.common.config.provider";

fn providers(params: &[(&str, &str)]) -> Result<Providers> {
    let mut worker: Config = [("config.providers", "file,dir,env")].into_iter().collect();
    worker.set("config.providers.file.class", format!("{PACKAGE}.FileConfigProvider"));
    worker.set("config.providers.dir.class", format!("{PACKAGE}.DirectoryConfigProvider"));
    worker.set("config.providers.env.class", format!("{PACKAGE}.EnvVarConfigProvider"));
    params.iter().for_each(|(key, value)| worker.set(format!("config.providers.{key}"), *value));
    let variables = [("TOKEN", "of the process"), ("OTHER", "o")];
    Providers::with_variables(&worker, variables.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())))
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.properties"), "topic=probe\nsecret=höush\npart=hou\n").unwrap();
    std::fs::create_dir(folder.path().join("d")).unwrap();
    std::fs::write(folder.path().join("d/k1"), "v1\n").unwrap();
    std::fs::create_dir(folder.path().join("d/sub")).unwrap();
    folder
}

fn value(providers: &Providers, folder: &Path, text: &str) -> Result<String> {
    let text = text.replace("@", &folder.display().to_string());
    let config: Config = [("k", text.as_str())].into_iter().collect();
    let resolved = providers.resolve(&config)?;
    Ok(resolved.config.get("k").unwrap().replace(&folder.display().to_string(), "@"))
}

/// What Kafka Connect 4.3.1 makes of these.
#[test]
fn values_of_all_kinds() {
    let (folder, providers) = (folder(), providers(&[]).unwrap());
    for (text, expected) in [
        ("${file:@/s.properties:topic}", "probe"),
        ("${file:@/s.properties:nokey}", "${file:@/s.properties:nokey}"),
        ("${file:topic}", "${file:topic}"),
        ("${file:@/s.properties:topic}${nope:a:b}", "probe${nope:a:b}"),
        ("a-${dir:@/d:k1}-${dir:@/d:k2}", "a-v1\n-${dir:@/d:k2}"),
        ("${dir:@/nodir:k1}", "${dir:@/nodir:k1}"),
        ("${dir:@/d:sub}", "${dir:@/d:sub}"),
        ("${dir:@/d:../s.properties}", "${dir:@/d:../s.properties}"),
        ("${env:TOKEN}", "of the process"),
        ("${env:NOPE}", "${env:NOPE}"),
        ("${file:@/s.properties:secret}", "höush"),
    ] {
        assert_eq!(value(&providers, folder.path(), text).unwrap(), expected, "{text}");
    }
}

#[test]
fn what_cannot_be_looked_at_is_an_error_that_names_it() {
    let (folder, providers) = (folder(), providers(&[]).unwrap());
    std::fs::write(folder.path().join("bad"), b"secret=hush\xff\\uZZ").unwrap();
    for (text, phrase) in [
        ("${file:@/none:topic}", "Could not read properties from file"),
        ("${file:@/bad:secret}", "Could not read properties from file"),
        ("${env:/x:TOKEN}", "'/x'"),
    ] {
        let error = value(&providers, folder.path(), text).unwrap_err();
        assert_eq!(error.kind(), millstream_api::ErrorKind::Fatal);
        assert!(error.to_string().contains(phrase) && !error.to_string().contains("hush"), "{error}");
    }
}

#[test]
fn parameters_limit_what_is_read() {
    let folder = folder();
    let allowed = folder.path().join("d").display().to_string();
    let providers = providers(&[
        ("file.param.allowed.paths", &allowed),
        ("dir.param.allowed.paths", &allowed),
        ("env.param.allowlist.pattern", "TOK.*"),
    ])
    .unwrap();
    for (text, expected) in [
        ("${file:@/s.properties:topic}", "${file:@/s.properties:topic}"),
        ("${file:@/d/../s.properties:topic}", "${file:@/d/../s.properties:topic}"),
        ("${dir:@/d/./:k1}", "v1\n"),
        ("${env:TOKEN}${env:OTHER}", "of the process${env:OTHER}"),
    ] {
        assert_eq!(value(&providers, folder.path(), text).unwrap(), expected, "{text}");
    }
}

#[test]
fn settings_of_providers_are_checked() {
    for (key, value) in [
        ("file.class", "org.example.VaultConfigProvider"),
        ("file.param.allowed.paths", "relative"),
        ("dir.param.allowed.paths", "/no/such/folder"),
        ("env.param.allowlist.pattern", "["),
    ] {
        let error = providers(&[(key, value)]).err().unwrap();
        assert!(error.kind() == millstream_api::ErrorKind::Config && error.to_string().contains(key), "{error}");
    }
}

#[test]
fn values_are_hidden_behind_their_references() {
    let (folder, providers) = (folder(), providers(&[]).unwrap());
    let file = folder.path().join("s.properties").display().to_string();
    let raw = [("a", format!("${{file:{file}:secret}}")), ("b", format!("x ${{file:{file}:part}}")), ("c", "y".into())];
    let config: Config = raw.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let resolved = providers.resolve(&config).unwrap();
    assert_eq!(resolved.config, [("a", "höush"), ("b", "x hou"), ("c", "y")].into_iter().collect());
    let hide = |text: &str| resolved.hidden.hide(text).replace(&file, "@");
    assert_eq!(hide("no höush here"), "no ${file:@:secret} here");
    assert_eq!(hide("x hou, hou"), "x ${file:@:part}, hou", "three letters may stand in any word");
    assert_eq!(resolved.hidden.hide_all("hou").replace(&file, "@"), "${file:@:part}");
    assert!(!format!("{resolved:?}").contains("höush"));
    let error = Error::fatal("cannot log in with höush").at("höush").caused_by("höush!").hint("not höush");
    let hidden = resolved.hidden.hide_error(error);
    assert!(!format!("{hidden:?} {}", hidden.trace()).contains("höush"), "{}", hidden.trace());
    assert_eq!(hidden.trace().lines().count(), 4);
    assert!(Providers::default().resolve(&config).unwrap().hidden.is_empty());
}
