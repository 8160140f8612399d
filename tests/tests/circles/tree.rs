//! Reads the module tree of a crate from its sources: names that each module defines, imports and mentions.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "syntax may grow, and new kinds of items define no names that are counted"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, Macro, Meta, UseTree, Visibility};

/// Longest chain of imports that is followed; a longer one is a loop.
const HOPS_MAX: usize = 16;

/// Segments of a path, the first of which may be `crate`, `self` or `super`.
type Segments = Vec<String>;

/// One module: a file, a folder with its `mod.rs`, or a `mod name { }` within a file.
#[derive(Default)]
struct Module {
    parent: Option<usize>,
    /// The module whose file holds the text of this one: itself, unless it is inline.
    file: usize,
    /// Path from the root of the crate, `a::b`; empty for the root.
    name: String,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    imports: BTreeMap<String, Segments>,
    globs: Vec<Segments>,
    mentions: BTreeSet<Segments>,
    re_exports: BTreeSet<Segments>,
}

/// The modules of one crate, tests left out.
pub struct Tree {
    modules: Vec<Module>,
}

impl Tree {
    /// Reads the crate whose root is this file.
    pub fn read(root: &Path) -> Self {
        let mut tree = Self {
            modules: vec![Module::default()],
        };
        let folder = root.parent().unwrap().to_owned();
        tree.load(0, root, &folder);
        tree
    }

    /// Returns the dependencies between files: the module of a file to the modules of the files that it needs.
    pub fn needs(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (index, module) in self.modules.iter().enumerate() {
            let from = &self.modules[module.file].name;
            let needed = needs.entry(from.clone()).or_default();
            let ours = |target: &usize| self.is_below(index, *target);
            let resolved = |path: &Segments| self.resolve(index, path, HOPS_MAX);
            let named = module.mentions.iter().filter_map(resolved);
            let re_exported = module.re_exports.iter().filter_map(resolved);
            for target in named.chain(re_exported.filter(|target| !ours(target))) {
                let to = &self.modules[self.modules[target].file].name;
                if to != from {
                    needed.insert(to.clone());
                }
            }
        }
        needs
    }

    fn is_below(&self, above: usize, module: usize) -> bool {
        let parent = self.modules[module].parent;
        module == above || parent.is_some_and(|parent| self.is_below(above, parent))
    }

    fn load(&mut self, index: usize, file: &Path, folder: &Path) {
        let text = fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap();
        self.read_items(index, &parsed.items, folder);
    }

    fn read_items(&mut self, index: usize, items: &[Item], folder: &Path) {
        for item in items {
            if is_test_only(attributes(item)) {
                continue;
            }
            let Item::Mod(module) = item else {
                let mut reader = Reader(&mut self.modules[index]);
                reader.note_name(item);
                reader.visit_item(item);
                continue;
            };
            let name = module.ident.to_string();
            let child = self.modules.len();
            let parent = &mut self.modules[index];
            parent.children.insert(name.clone(), child);
            let is_inline = module.content.is_some();
            let file = if is_inline { parent.file } else { child };
            let path = match parent.name.as_str() {
                "" => name.clone(),
                parent => format!("{parent}::{name}"),
            };
            self.modules.push(Module {
                parent: Some(index),
                file,
                name: path,
                ..Module::default()
            });
            let below = folder.join(&name);
            match &module.content {
                Some((_, items)) => self.read_items(child, items, &below),
                None => self.load(child, &file_of(folder, &name), &below),
            }
        }
    }

    /// Finds the module that defines what a path names; `None` for another crate, a local variable, or a name of the
    /// prelude. A re-export leads on to the module that defines the name.
    fn resolve(&self, from: usize, path: &[String], hops: usize) -> Option<usize> {
        let hops = hops.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.walk(0, rest, hops),
            "self" => self.walk(from, rest, hops),
            "super" => self.walk(self.modules[from].parent?, rest, hops),
            _ => self.step(from, first, rest, hops),
        }
    }

    /// Goes on from a module that a path has reached.
    fn walk(&self, at: usize, rest: &[String], hops: usize) -> Option<usize> {
        let Some((next, rest)) = rest.split_first() else {
            return Some(at);
        };
        if next == "super" {
            return self.walk(self.modules[at].parent?, rest, hops);
        }
        // A name that a macro defines is not seen, and belongs to the module that the path led to.
        self.step(at, next, rest, hops).or(Some(at))
    }

    fn step(&self, at: usize, next: &str, rest: &[String], hops: usize) -> Option<usize> {
        let module = &self.modules[at];
        if let Some(child) = module.children.get(next) {
            return self.walk(*child, rest, hops);
        }
        if module.items.contains(next) {
            return Some(at);
        }
        if let Some(import) = module.imports.get(next) {
            let whole: Segments = import.iter().chain(rest).cloned().collect();
            return self.resolve(at, &whole, hops);
        }
        module.globs.iter().find_map(|glob| {
            let hops = hops.checked_sub(1)?;
            let target = self.resolve(at, glob, hops)?;
            self.step(target, next, rest, hops)
        })
    }
}

fn file_of(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(format!("{name}.rs"));
    if file.is_file() {
        file
    } else {
        folder.join(name).join("mod.rs")
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else {
            return false;
        };
        let mut words = Vec::new();
        paths_in(list.tokens.clone(), &mut words);
        attribute.path().is_ident("cfg")
            && words.iter().any(|word| word.as_slice() == ["test"])
            && !words.iter().any(|word| word.as_slice() == ["not"])
    })
}

/// Collects the mentions of one module.
struct Reader<'module>(&'module mut Module);

impl Reader<'_> {
    fn note_name(&mut self, item: &Item) {
        let name = match item {
            Item::Const(item) => Some(&item.ident),
            Item::Enum(item) => Some(&item.ident),
            Item::Fn(item) => Some(&item.sig.ident),
            Item::Macro(item) => item.ident.as_ref(),
            Item::Static(item) => Some(&item.ident),
            Item::Struct(item) => Some(&item.ident),
            Item::Trait(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            _ => None,
        };
        self.0.items.extend(name.map(ToString::to_string));
    }

    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut paths = Vec::new();
        paths_in(tokens, &mut paths);
        for path in paths {
            // A single word within a macro may be anything; a type is written with a capital.
            if path.len() > 1 || path[0].starts_with(char::is_uppercase) {
                self.note_path(path);
            }
        }
    }

    /// A path of one segment names a local variable more often than a module: it counts when it is an item or an import.
    fn note_path(&mut self, path: Segments) {
        if path.len() > 1 || !self.0.children.contains_key(&path[0]) {
            self.0.mentions.insert(path);
        }
    }

    fn note_use(&mut self, tree: &UseTree, before: &[String], is_public: bool) {
        let with = |name: &syn::Ident| -> Segments {
            let name = name.to_string();
            let own = (name != "self").then_some(name);
            before.iter().cloned().chain(own).collect()
        };
        match tree {
            UseTree::Path(path) => {
                let mut longer = before.to_vec();
                longer.push(path.ident.to_string());
                self.note_use(&path.tree, &longer, is_public);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.note_use(tree, before, is_public);
                }
            }
            UseTree::Name(name) => {
                let path = with(&name.ident);
                self.note_import(path.last().unwrap().clone(), path, is_public);
            }
            UseTree::Rename(rename) => {
                self.note_import(rename.rename.to_string(), with(&rename.ident), is_public);
            }
            UseTree::Glob(_) => {
                self.note_need(before.to_vec(), is_public);
                self.0.globs.push(before.to_vec());
            }
        }
    }

    fn note_import(&mut self, name: String, path: Segments, is_public: bool) {
        self.note_need(path.clone(), is_public);
        self.0.imports.insert(name, path);
    }

    fn note_need(&mut self, path: Segments, is_public: bool) {
        if is_public {
            self.0.re_exports.insert(path);
        } else {
            self.0.mentions.insert(path);
        }
    }
}

impl<'text> Visit<'text> for Reader<'_> {
    fn visit_item_use(&mut self, item: &'text ItemUse) {
        let is_public = !matches!(item.vis, Visibility::Inherited);
        self.note_use(&item.tree, &[], is_public);
    }

    fn visit_path(&mut self, path: &'text syn::Path) {
        let named = path.segments.iter().map(|part| part.ident.to_string());
        self.note_path(named.collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'text Macro) {
        self.note_tokens(mac.tokens.clone());
        visit::visit_macro(self, mac);
    }

    fn visit_attribute(&mut self, attribute: &'text Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.note_tokens(list.tokens.clone());
        }
    }

    /// `pub(super)` says who may look, not what is needed.
    fn visit_visibility(&mut self, _: &'text Visibility) {}
}

/// Finds the paths in the text of a macro: words with `::` between them.
fn paths_in(tokens: TokenStream, found: &mut Vec<Segments>) {
    let mut open: Segments = Vec::new();
    let mut colons = 0;
    for token in tokens {
        match token {
            TokenTree::Ident(word) => {
                if colons != 2 && !open.is_empty() {
                    found.push(std::mem::take(&mut open));
                }
                open.push(word.to_string());
                colons = 0;
            }
            TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
            other => {
                if !open.is_empty() {
                    found.push(std::mem::take(&mut open));
                }
                colons = 0;
                if let TokenTree::Group(group) = other {
                    paths_in(group.stream(), found);
                }
            }
        }
    }
    if !open.is_empty() {
        found.push(open);
    }
}
