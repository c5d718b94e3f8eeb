from clipdesk.export.curves import curves_csv


def test_shorter_curves_have_empty_cells() -> None:
    text = curves_csv({"a": [1.0, 2.5], 'b, "quoted"': [3.0]})
    assert text == 'step,a,"b, ""quoted"""\n1,1,3\n2,2.5,\n'


def test_no_curves_are_a_heading() -> None:
    assert curves_csv({}) == "step\n"
