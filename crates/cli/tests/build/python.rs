//! Abilities in Python, built with componentize-py as it is installed.

use crate::folders::{Place, has};
use std::path::Path;
use std::process::Command;

const OLD: &str = r#"
import json, os
import requests
import greeting
from src.agent.capability import MatchingCapability
from src.agent.capability_worker import CapabilityWorker
from src.main import AgentWorker


class Old(MatchingCapability):
    worker: AgentWorker = None
    capability_worker: CapabilityWorker = None

    @classmethod
    def register_capability(cls) -> "MatchingCapability":
        here = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(here, "config.json")) as file:
            data = json.load(file)
        return cls(unique_name=data["unique_name"], matching_hotwords=data["matching_hotwords"])

    def call(self, worker):
        self.worker = worker
        self.capability_worker = CapabilityWorker(self.worker)
        self.worker.session_tasks.create(self.talk())

    async def talk(self):
        await self.capability_worker.speak(greeting.TEXT)
        self.capability_worker.resume_normal_flow()
"#;

/// A wheel with one module, made as any archive is.
fn wheel(place: &Place, file: &str, tag: &str) {
    let info = "greeting-1.0.dist-info";
    place.write(&[
        ("wheel/greeting.py", "TEXT = 'hello'\n"),
        (
            &format!("wheel/{info}/METADATA"),
            "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n",
        ),
        (
            &format!("wheel/{info}/WHEEL"),
            &format!("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"),
        ),
        (&format!("wheel/{info}/RECORD"), ""),
    ]);
    let mut zip = Command::new("python3");
    zip.current_dir(place.path("wheel"));
    zip.args(["-m", "zipfile", "-c", "../wheel.zip", "greeting.py", info]);
    assert!(zip.status().expect("started").success());
    std::fs::rename(place.path("wheel.zip"), place.path(file)).expect("moved");
}

#[test]
fn what_cannot_run_is_told_before_it_is_built() {
    if !has("python3") {
        return;
    }
    let place = Place::new();
    place.write(&[(
        "a/main.py",
        "import json\nimport numpy\n\ndef main(): pass\n",
    )]);
    let ended = place.really(&["build", "a"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("main.py:2: there is no module numpy"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("requirements.txt"), "{ended:?}");

    place.write(&[("a/main.py", "def run(): pass\n")]);
    let ended = place.really(&["build", "a"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("main.py has no function main()"),
        "{ended:?}"
    );

    let native = "greeting-1.0-cp314-cp314-linux_x86_64.whl";
    wheel(&place, &format!("a/{native}"), "cp314-cp314-linux_x86_64");
    place.write(&[("a/requirements.txt", &format!("./{native}\n"))]);
    let ended = place.really(&["build", "a"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("pure Python alone"), "{ended:?}");
    assert!(ended.stderr.contains(native), "pip's reason: {ended:?}");
    assert!(!place.path("a.wasm").exists());
}

#[test]
fn an_ability_for_the_old_api_as_it_is() {
    if !has("python3") {
        return;
    }
    let place = Place::new();
    let background = OLD.replace(
        "def call(self, worker)",
        "def call(self, worker, background_daemon_mode)",
    );
    place.write(&[
        ("old/main.py", OLD),
        ("old/background.py", &background),
        (
            "old/config.json",
            r#"{"unique_name": "old", "matching_hotwords": ["hello"]}"#,
        ),
        ("old/requirements.txt", "./greeting-1.0-py3-none-any.whl\n"),
    ]);
    wheel(&place, "old/greeting-1.0-py3-none-any.whl", "py3-none-any");
    let ended = place.really(&["build", "old", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let summary: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(summary["api"], "old");
    assert_eq!(summary["background"]["path"], "old.background.wasm");
    for name in ["old.wasm", "old.background.wasm"] {
        assert!(is_component(&place.path(name)), "{name}");
    }
}

fn is_component(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\0asm\x0d\0\x01\0"))
}
