//! What is known of Python sources without running them.

use crate::folders::{Place, has};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// What analyse.py says of the folder `a`. `given/` holds packages, `stand-ins/`
/// stand-ins.
fn analysis(files: &[(&str, &str)]) -> Option<Value> {
    if !has("python3") {
        return None;
    }
    let place = Place::new();
    place.write(&[
        ("given/installed/__init__.py", ""),
        ("stand-ins/requests/__init__.py", ""),
    ]);
    place.write(files);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/python/analyse.py");
    let mut command = Command::new("python3");
    command.args(["-B".as_ref(), script.as_os_str()]);
    command
        .arg(place.path("a"))
        .arg("--provides")
        .arg(place.path("given"));
    command.arg("--stand-ins").arg(place.path("stand-ins"));
    let output = command.output().expect("started");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// The modules that are missing, with file and line.
fn missing(files: &[(&str, &str)]) -> Option<Vec<(String, String, u64)>> {
    let analysis = analysis(files)?;
    let missing = analysis["missing"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let missing = missing.map(|one| {
        let line = one["line"].as_u64().expect("a number");
        (text(&one["module"]), text(&one["file"]), line)
    });
    Some(missing.collect())
}

const MAIN: &str = "def main(): pass\n";

#[test]
fn the_old_api_is_told_by_its_imports() {
    for (source, api) in [
        (
            "from src.agent.capability import MatchingCapability\n",
            "old",
        ),
        ("import src.agent.capability_worker as worker\n", "old"),
        ("from src.main import AgentWorker\n", "old"),
        ("def f():\n    from src.agent import capability\n", "old"),
        ("import helper\n", "old"),
        // A syntax that this Python may not know yet.
        (
            "from src.agent.capability import X\nx = t'{(yield' :\n",
            "old",
        ),
        ("'from src.agent.capability import X'\n", "new"),
        ("from source.agent import capability_\n", "new"),
        ("from ability_storage import sdk\n", "new"),
    ] {
        let helper = "from src.agent.capability import MatchingCapability\n";
        let files = [("a/main.py", source), ("a/helper.py", helper)];
        let Some(analysis) = analysis(&files) else {
            return;
        };
        assert_eq!(analysis["api"], api, "{source}");
    }
}

#[test]
fn a_folder_with_a_package_src_of_its_own_is_for_the_new_api() {
    let files = [
        ("a/main.py", "from src.main import run\nmain = run\n"),
        ("a/src/main.py", "def run(): pass\n"),
    ];
    let Some(analysis) = analysis(&files) else {
        return;
    };
    assert_eq!(analysis["api"], "new");
    assert_eq!(analysis["has_main"], true);
    assert_eq!(analysis["missing"], json!([]));
}

#[test]
fn a_background_counts_for_the_old_api_alone() {
    let old = "from src.agent.capability import MatchingCapability\n";
    for (main, expected) in [(old, true), (MAIN, false)] {
        let files = [("a/main.py", main), ("a/background.py", "import absent\n")];
        let Some(analysis) = analysis(&files) else {
            return;
        };
        assert_eq!(analysis["background"], expected, "{main}");
        let missing = analysis["missing"].as_array().expect("a list");
        assert_eq!(missing.len(), usize::from(expected), "{main}");
    }
}

#[test]
fn what_is_missing_is_told_with_its_place() {
    let main =
        "import json, installed.part\nimport helper\n\ndef main():\n    import absent.part\n";
    let files = [
        ("a/main.py", main),
        ("a/helper/__init__.py", "from . import inner\n"),
        (
            "a/helper/inner.py",
            "\nfrom .other import x\nimport numpy as np\n",
        ),
        ("a/helper/other.py", "import helper.inner\n"),
        // Nobody imports it.
        ("a/test_main.py", "import pytest\n"),
    ];
    let Some(missing) = missing(&files) else {
        return;
    };
    let expected = [("absent", "main.py", 5), ("numpy", "helper/inner.py", 3)];
    let expected = expected.map(|(module, file, line)| (module.to_owned(), file.to_owned(), line));
    assert_eq!(missing, expected);
}

#[test]
fn what_an_ability_can_do_without_is_not_missing() {
    for source in [
        "try:\n    import absent\nexcept ImportError:\n    absent = None\n",
        "try:\n    import absent\nexcept (KeyError, ModuleNotFoundError):\n    pass\n",
        "try:\n    import absent\nexcept:\n    pass\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import absent\n",
    ] {
        let Some(missing) = missing(&[("a/main.py", &format!("{source}{MAIN}"))]) else {
            return;
        };
        assert!(missing.is_empty(), "{source}");
    }
    for source in [
        "try:\n    import absent\nexcept KeyError:\n    pass\n",
        "try:\n    x = 1\nexcept ImportError:\n    import absent\n",
        "if True:\n    import absent\n",
    ] {
        let Some(missing) = missing(&[("a/main.py", &format!("{source}{MAIN}"))]) else {
            return;
        };
        assert_eq!(missing.len(), 1, "{source}");
    }
}

#[test]
fn modules_that_python_has_no_more_are_missing() {
    let files = [(
        "a/main.py",
        "import distutils, imp, asyncio, annotationlib\n",
    )];
    let Some(missing) = missing(&files) else {
        return;
    };
    let names: Vec<_> = missing.iter().map(|(module, ..)| module.as_str()).collect();
    assert_eq!(names, ["distutils", "imp"]);
}

#[test]
fn stand_ins_are_for_the_old_api_alone() {
    let import = "import requests.exceptions\n";
    let old = format!("from src.agent.capability import X\n{import}");
    let Some(analysis) = analysis(&[("a/main.py", &old)]) else {
        return;
    };
    assert_eq!(analysis["stand_ins"], json!(["requests"]));
    assert_eq!(analysis["missing"], json!([]));
    let Some(missing) = missing(&[("a/main.py", import)]) else {
        return;
    };
    assert_eq!(missing.len(), 1);
    // An ability that would do without gets it all the same.
    let guarded = format!(
        "from src.agent.capability import X\ntry:\n    {import}except ImportError:\n    pass\n"
    );
    let Some(analysis) = self::analysis(&[("a/main.py", &guarded)]) else {
        return;
    };
    assert_eq!(analysis["stand_ins"], json!(["requests"]));
}

#[test]
fn main_is_found_wherever_it_comes_from() {
    for (source, expected) in [
        (MAIN, true),
        ("async def main(): pass\n", true),
        ("from helper import main\n", true),
        ("from helper import run as main\n", true),
        ("from helper import *\n", true),
        ("if True:\n    def main(): pass\n", true),
        ("main = print\n", true),
        ("def run(): pass\n", false),
        ("class C:\n    pass\nmain()\n", false),
        ("if __name__ == '__main__':\n    main()\n", false),
    ] {
        let files = [("a/main.py", source), ("a/helper.py", "")];
        let Some(analysis) = analysis(&files) else {
            return;
        };
        assert_eq!(analysis["has_main"], expected, "{source}");
    }
}
