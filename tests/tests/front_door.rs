//! The front door: no picture is missing, none is left over, those of the pages are goldens; and both languages teach the
//! same commands.

use std::collections::BTreeSet;
use std::path::Path;

/// Pictures of the pages, which `ui/tests/screen` draws again and compares.
const GOLDENS: &str = "ui/tests/goldens/";
/// Pictures of a played story.
const STORY: &str = "app/demo/pictures/";

#[test]
fn each_picture_of_the_readmes_is_there_and_is_a_golden_or_of_the_story() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut seen = BTreeSet::new();
    for readme in ["README.md", "README.zh-CN.md"] {
        let text = std::fs::read_to_string(root.join(readme)).unwrap();
        let pictures: Vec<&str> = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .filter(|path| path.ends_with(".png"))
            .collect();
        assert!(pictures.len() > 2, "{readme}: {pictures:?}");
        for picture in pictures {
            assert!(
                root.join(picture).is_file(),
                "{readme}: {picture} is missing"
            );
            assert!(
                picture.starts_with(GOLDENS) || picture.starts_with(STORY),
                "{readme}: nobody draws {picture} again"
            );
            seen.insert(picture.to_owned());
        }
    }
    // Nor is there a picture of the demo that nobody shows.
    for file in std::fs::read_dir(root.join(STORY)).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(
            seen.contains(&format!("{STORY}{name}")),
            "{name} is on no front door"
        );
    }
}

/// What is typed or written into files, block by block, without comments and what is said in one language.
fn blocks(readme: &str) -> Vec<String> {
    let inside = readme.split("\n```").skip(1).step_by(2);
    let said = inside.map(|block| {
        let lines = block.lines().skip(1);
        let bare = lines.map(|line| line.split('#').next().unwrap_or(line).trim_end());
        let kept = bare.filter(|line| !line.is_empty() && !line.starts_with("about = "));
        kept.collect::<Vec<_>>().join("\n")
    });
    said.collect()
}

#[test]
fn the_chinese_readme_teaches_the_same_commands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let [english, chinese] = ["README.md", "README.zh-CN.md"]
        .map(|readme| blocks(&std::fs::read_to_string(root.join(readme)).unwrap()));
    assert!(chinese.len() > 12, "{chinese:?}");
    for block in chinese {
        assert!(english.contains(&block), "not in README.md:\n{block}");
    }
}
