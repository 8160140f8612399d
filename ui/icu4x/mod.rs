// Data of ICU4X as its crates bring it, without the dictionary of Chinese and Japanese words: two million bytes.
//
// Each data crate of ICU4X includes this file in place of its own where `ICU4X_DATA_DIR` names this folder (`.cargo/config.toml`).
// The text layout splits text into words, and the window never asks for them: Slint moves its cursors by rules of its own. A line
// of Chinese breaks by the rules of its characters. The dictionaries of Burmese, Khmer, Lao and Thai stay: they break lines.

mod complete {
    include!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/mod.rs"));
}
pub use complete::*;

/// Gives a dictionary without a word, in which each character is a word of its own.
#[macro_export]
macro_rules! impl_segmenter_dictionary_auto_v2 {
    ($provider:ty) => {
        impl icu_provider::DataProvider<icu::segmenter::provider::SegmenterDictionaryAutoV2> for $provider {
            fn load(
                &self,
                _: icu_provider::DataRequest,
            ) -> Result<
                icu_provider::DataResponse<icu::segmenter::provider::SegmenterDictionaryAutoV2>,
                icu_provider::DataError,
            > {
                const EMPTY: &icu::segmenter::provider::DictionaryBreakData<'static> =
                    &icu::segmenter::provider::DictionaryBreakData::Char16Trie(
                        icu::collections::char16trie::Char16Trie {
                            data: zerovec::ZeroVec::new(),
                        },
                    );
                Ok(icu_provider::DataResponse {
                    metadata: Default::default(),
                    payload: icu_provider::DataPayload::from_static_ref(EMPTY),
                })
            }
        }
    };
}
