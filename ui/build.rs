//! Compiles the .slint files, with their translations.

use slint_build::{CompilerConfiguration, DefaultTranslationContext, EmbedResourcesKind};

fn main() {
    // Element ids and types are what the tests look at; a release build does not carry them.
    let debug_info = std::env::var("PROFILE").is_ok_and(|profile| profile != "release");
    let config = CompilerConfiguration::new()
        .embed_resources(EmbedResourcesKind::EmbedFiles)
        .with_bundled_translations("lang")
        .with_default_translation_context(DefaultTranslationContext::None)
        .with_style("fluent".into())
        .with_debug_info(debug_info);
    if let Err(error) = slint_build::compile_with_config("slint/window.slint", config) {
        panic!("the .slint files do not compile: {error}");
    }
}
