import types

from regulars import evaluation


def test_all_is_what_the_package_exports():
    public = {
        name
        for name, value in vars(evaluation).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public == set(evaluation.__all__)
