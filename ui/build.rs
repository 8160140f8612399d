//! Compiles the .slint files, with their translations; for tests also the pages that break the rules.

use std::path::PathBuf;

use slint_build::{CompilerConfiguration, DefaultTranslationContext, EmbedResourcesKind};

fn main() {
    // Element ids and types are what the tests look at; a release build does not carry them.
    let tested = std::env::var("PROFILE").is_ok_and(|profile| profile != "release");
    let config = || {
        CompilerConfiguration::new()
            .embed_resources(EmbedResourcesKind::EmbedFiles)
            .with_default_translation_context(DefaultTranslationContext::None)
            .with_style("fluent".into())
            .with_debug_info(tested)
    };
    if let Err(error) = slint_build::compile_with_config(
        "slint/window.slint",
        config().with_bundled_translations("lang"),
    ) {
        panic!("the .slint files do not compile: {error}");
    }
    if let (true, Some(out)) = (tested, std::env::var_os("OUT_DIR")) {
        let compiled = slint_build::compile_with_output_path(
            "tests/screen/broken.slint",
            PathBuf::from(out).join("broken.rs"),
            config(),
        );
        if let Err(error) = compiled {
            panic!("the broken pages do not compile: {error}");
        }
    }
}
