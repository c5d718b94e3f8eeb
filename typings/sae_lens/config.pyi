class SAETrainerConfig:
    def __init__(
        self,
        *,
        total_training_samples: int,
        train_batch_size_samples: int,
        lr: float,
        lr_end: float | None = None,
        lr_warm_up_steps: int = 0,
        lr_decay_steps: int = 0,
        device: str = "cpu",
        dead_feature_window: int = 1000,
    ) -> None: ...
