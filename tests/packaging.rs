//! What `packaging/` names: variables that fanfare has, and what its texts promise.

#![cfg(feature = "cli")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::process::run;

fn read(name: &str) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    fs::read_to_string(directory.join(name)).expect("a file of packaging/")
}

#[tokio::test]
async fn variables_are_those_of_settings() {
    let help = run(&["--help"]).await.stdout;
    let mut named = BTreeSet::new();
    for file in ["Dockerfile", "compose.yaml", "compose-edges.yaml"] {
        let text = read(file);
        let words = text.split(|letter: char| !(letter.is_ascii_uppercase() || letter == '_'));
        named.extend(
            words
                .filter(|word| word.starts_with("FANFARE_"))
                .map(str::to_owned),
        );
    }
    assert!(named.len() > 3, "{named:?}");
    for variable in named {
        assert!(help.contains(&format!("[env: {variable}]")), "{variable}");
    }
}

/// `systemctl` waits for READY=1, and the server is given longer to stop than it takes.
#[tokio::test]
async fn the_unit_waits_for_the_server() {
    let unit = read("fanfare.service");
    assert!(unit.lines().any(|line| line == "Type=notify"));
    let seconds = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
        let digits = line.expect(name).trim_end_matches('s').trim();
        digits.parse::<u32>().expect("seconds")
    };
    let help = run(&["--help"]).await.stdout;
    let (_, timeout) = help.split_once("--shutdown-timeout").expect("the setting");
    let (_, default) = timeout.split_once("[default: ").expect("its default");
    let default: u32 = default
        .split(']')
        .next()
        .and_then(|text| text.parse().ok())
        .expect("seconds");
    assert!(seconds(&unit, "TimeoutStopSec=") > default);
    for file in ["compose.yaml", "compose-edges.yaml"] {
        assert!(seconds(&read(file), "stop_grace_period:") > default);
    }
}

/// The image builds with the compiler that the manifest asks for.
#[test]
fn the_image_has_the_compiler() {
    let wanted = env!("CARGO_PKG_RUST_VERSION");
    assert!(
        read("Dockerfile").contains(&format!("FROM rust:{wanted}-")),
        "{wanted}"
    );
}
