//! No file leads back to itself: whoever reads a file has read everything that it needs when he has read what it names.

use std::collections::BTreeSet;

use super::imports;

/// The nodes of every circle, each as a list of those that reach each other.
fn circles(nodes: usize, arrows: &BTreeSet<(usize, usize)>) -> Vec<Vec<usize>> {
    let reached = |from: usize| {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![from]);
        while let Some(node) = waiting.pop() {
            let next = arrows.range((node, 0)..=(node, usize::MAX)).map(|(_, to)| *to);
            waiting.extend(next.filter(|to| seen.insert(*to)).collect::<Vec<_>>());
        }
        seen
    };
    let reached: Vec<BTreeSet<usize>> = (0..nodes).map(reached).collect();
    let circle_of = |node: usize| -> Vec<usize> {
        let is_in = |other: &usize| *other == node || both(&reached, node, *other);
        (0..nodes).filter(is_in).collect()
    };
    let circles: BTreeSet<Vec<usize>> = (0..nodes).map(circle_of).collect();
    circles.into_iter().filter(|circle| circle.len() > 1).collect()
}

fn both(reached: &[BTreeSet<usize>], one: usize, other: usize) -> bool {
    reached[one].contains(&other) && reached[other].contains(&one)
}

#[test]
fn no_two_files_import_each_other_directly_or_over_others() {
    let (modules, arrows) = imports::arrows();
    assert!(modules.len() > 100 && arrows.len() > 200, "the files are read: {} {}", modules.len(), arrows.len());
    let named = |circle: Vec<usize>| {
        let inside = arrows.iter().filter(|(from, to)| circle.contains(from) && circle.contains(to));
        inside.map(|(from, to)| format!("{} → {}", modules[*from].file, modules[*to].file)).collect::<Vec<_>>()
    };
    let found: Vec<Vec<String>> = circles(modules.len(), &arrows).into_iter().map(named).collect();
    assert!(found.is_empty(), "these files form circles: {found:#?}");
}

#[test]
fn a_circle_is_found_however_long_it_is() {
    let arrows = BTreeSet::from([(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (5, 3)]);
    assert_eq!(circles(6, &arrows), [vec![0, 1, 2]]);
    assert_eq!(circles(6, &BTreeSet::from([(0, 1), (1, 0), (3, 4), (4, 5), (5, 3)])), [vec![0, 1], vec![3, 4, 5]]);
    assert!(circles(3, &BTreeSet::from([(0, 1), (0, 2), (1, 2)])).is_empty());
}
