unit_test(json)
unit_test(text)
