"""Questions about a finished survey: functions of its data alone, which need neither the network nor the images."""
