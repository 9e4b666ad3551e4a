import pytest

from datamodules.labels.protocol_table import read_table

HEADER = "label\tname\tside\tpartner\ttissue\tcolour\tfolds"
BACKGROUND = "0\tbackground\t\t\tbackground\t#000000\t"
LEFT = "17\tLeft-Hippocampus\tleft\t53\tgrey\t#dcd814\t"
RIGHT = "53\tRight-Hippocampus\tright\t17\tgrey\t#dcd814\t"


def table(*rows: str) -> str:
    return "\n".join((HEADER, *rows))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("label,name\n", "mine.tsv: the first line must hold the columns label, name"),
        ("", "the first line must hold the columns"),
        (table(LEFT, RIGHT), "the first structure must be background"),
        (table(BACKGROUND, "17\tHippocampus"), "mine.tsv, line 3: found 2 cells, expected 7"),
        (table(BACKGROUND, LEFT.replace("17", "x")), "line 3: found the label 'x'"),
        (table(BACKGROUND, LEFT.replace("17", "70000")), "line 3: found the label '70000'"),
        (table(BACKGROUND, LEFT.replace("left", "links")), "line 3: the side is 'links'"),
        (table(BACKGROUND, LEFT.replace("#dcd814", "yellow")), "line 3: the colour is 'yellow'"),
        (table(BACKGROUND, LEFT.replace("Left-Hippocampus", "")), "line 3: the name is empty"),
        (table(BACKGROUND, LEFT.replace("Left-Hippocampus", "=1+1")), "the name is '=1+1': a spreadsheet would"),
        (table(BACKGROUND, LEFT + "9-3", RIGHT), "line 3: the range '9-3' runs backwards"),
        (table(BACKGROUND, LEFT + "50-60", RIGHT), "the label 53 is a structure of its own and is folded into 17"),
        (table(BACKGROUND, LEFT + "5-9", RIGHT + "9"), "the label 9 is folded into both 17 and 53"),
        (table(BACKGROUND, LEFT), "the partner of Left-Hippocampus is 53, expected"),
        (table(BACKGROUND, LEFT, RIGHT.replace("right", "left")), "the partner of Left-Hippocampus is 53, expected"),
        (table(BACKGROUND, LEFT, RIGHT, LEFT), "the label 17 is given more than once"),
    ],
)
def test_a_faulty_table_is_refused_with_the_reason(text, complaint):
    with pytest.raises(ValueError, match="mine") as caught:
        read_table(text, source="mine.tsv")
    assert complaint in str(caught.value)
