from lucent.optvis import param as param
