//! What must be boxed: a type that holds itself by value would have no size.

use std::collections::BTreeSet;

use super::{Form, Shapes, Type};

/// Boxes every type that leads back to the one that holds it.
pub(super) fn boxed(shapes: &mut Shapes) {
    let edges: Vec<Vec<usize>> = shapes
        .all
        .iter()
        .map(|shape| held_by(&shape.form))
        .collect();
    for (index, shape) in shapes.all.iter_mut().enumerate() {
        let mut leads_back = |target: usize| reaches(&edges, target, index);
        match &mut shape.form {
            Form::Struct(of) => {
                for field in &mut of.fields {
                    wrap(&mut field.of, &mut leads_back);
                }
            }
            Form::Union(of) => {
                for variant in &mut of.variants {
                    wrap(&mut variant.of, &mut leads_back);
                }
            }
            Form::Checked { of, .. } => wrap(of, &mut leads_back),
            Form::Choice(_) | Form::Unfinished => {}
        }
    }
}

/// The shapes that a form holds by value.
fn held_by(form: &Form) -> Vec<usize> {
    let mut held = Vec::new();
    match form {
        // What a struct keeps besides its fields is in a map, which is on the heap.
        Form::Struct(of) => of
            .fields
            .iter()
            .for_each(|field| gather(&field.of, &mut held)),
        Form::Union(of) => of
            .variants
            .iter()
            .for_each(|variant| gather(&variant.of, &mut held)),
        Form::Checked { of, .. } => gather(of, &mut held),
        Form::Choice(_) | Form::Unfinished => {}
    }
    held
}

fn gather(of: &Type, held: &mut Vec<usize>) {
    match of {
        Type::Named(id) => held.push(id.0),
        Type::Nullable(inner) => gather(inner, held),
        Type::Tuple(elements) => elements.iter().for_each(|element| gather(element, held)),
        _ => {}
    }
}

fn wrap(of: &mut Type, leads_back: &mut impl FnMut(usize) -> bool) {
    match of {
        Type::Named(id) if leads_back(id.0) => *of = Type::Boxed(Box::new(of.clone())),
        Type::Nullable(inner) => wrap(inner, leads_back),
        Type::Tuple(elements) => elements
            .iter_mut()
            .for_each(|element| wrap(element, leads_back)),
        _ => {}
    }
}

/// Whether `from` holds `to`, directly or through others.
fn reaches(edges: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(at) = waiting.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            waiting.extend(edges.get(at).into_iter().flatten().copied());
        }
    }
    false
}
