"""Numbers of Genifer's authors' own code:  capture_genifer.py GENIFER RADAM > authors_genifer.json

GENIFER is a checkout of github.com/kevthan/feature-driven-image-replay, RADAM the file radam/radam.py of
github.com/LiyuanLucasLiu/RAdam that it asks for; neither is needed for what `authors_genifer.py` holds
against these numbers.  Two tasks are learned on random images, by their trainer and their learner: the
generator of the first task, the classifier of the second with replay, and its generator.  Generator and
discriminator are theirs, whose layers have been made again with fewer channels; the classifier is that
of the reference, and stands behind the interface of theirs.

They compute in double here, with random numbers that are looked up: noise maps are the same whenever
maps of a size are made, so that the images that the discriminator's update and the generator's make are
the same, as in mneme.  RAdam gets the option by which it moves before the variance is known, as
PyTorch's does and mneme's; without it, as they use it, the first five steps stand still.  Left out: the
adaptive augmentation, which is another repository's; their ResNet, which is torchvision's.
"""

import contextlib
import functools
import importlib
import importlib.util
import os
import sys
import types
import warnings

import torch

sys.dont_write_bytecode = True

import authors_genifer as ours
import genifer as reference
from captured import gist, numbers, write
from pytorch import begin

SOURCE = "github.com/kevthan/feature-driven-image-replay at 79f6622, PyTorch " + torch.__version__


# --- their networks, smaller ----------------------------------------------------------------------


def smaller_generator(layers, module):
    made = module.CondEqlGenerator(ours.MAKES.latent, 3, 32, "cpu", n_cls=ours.CLASSES)
    sizes, width = ours.MAKES, ours.MAKES.width
    made.onehot_embed = layers.EQLinear(ours.CLASSES, sizes.embedding)
    made.w1 = layers.EQLinear(sizes.latent + sizes.embedding, sizes.style, lr_mul=0.01)
    made.w2 = layers.EQLinear(sizes.style, sizes.style, lr_mul=0.01)
    made.const = torch.nn.Parameter(torch.ones(1, width, sizes.first, sizes.first))
    style = functools.partial(layers.StyleEQConv2dWithBias, kernel_size=3, padding=1)
    for i, (inputs, outputs, _, _) in enumerate(sizes.maps()):
        setattr(made, f"conv{i + 1}", style(inputs, outputs, wdim=sizes.style))
    made.out_layer = style(width >> sizes.doublings, 3, noise=False, wdim=sizes.style)
    return loaded(made, ours.generator())


def generator_parameters(of):
    both = lambda layer: [layer.weight, layer.bias]
    found = [*both(of.onehot_embed), *both(of.w1), *both(of.w2), of.const]
    for conv in [getattr(of, f"conv{i}") for i in range(1, 8)] + [of.out_layer]:
        found += [*both(conv.y1), *both(conv.y2), *both(conv)]
        found += [conv.noise_scale] if conv.noise_scale is not None else []
    return found


def smaller_discriminator(layers, module):
    made = module.CondEqlDiscriminator(256, 8, "cpu", n_cls=ours.CLASSES)
    sizes = ours.SEES
    made.in_channels, width = sizes.channels, sizes.channels
    for i, outputs in enumerate(sum(sizes.widths, ())):
        setattr(made.prologue, f"conv{i + 1}", layers.EQConv2d(width, outputs, 3, padding=1))
        width = outputs
    made.logits = module.Epilogue(
        4, width, 2, n_cls=ours.CLASSES, mbdis_n_chan=1, cmap_dim=sizes.projection
    )
    return loaded(made, ours.discriminator())


def discriminator_parameters(of):
    layers = [getattr(of.prologue, f"conv{i}") for i in range(1, 5)]
    layers += [of.logits.conv, of.logits.dense, of.logits.logits]
    found = [p for layer in layers for p in (layer.weight, layer.bias)]
    return [*found, of.logits.onehot_project.weight]


def parameters(of):
    """In the order of ours."""
    return (generator_parameters if hasattr(of, "out_layer") else discriminator_parameters)(of)


def loaded(made, source):
    made.double()
    theirs = parameters(made)
    with torch.no_grad():
        for p, value in zip(theirs, source.parameters(), strict=True):
            p.copy_(value.reshape(p.shape))
    assert len(theirs) == len(list(made.parameters()))
    return made


class Classifier(torch.nn.Module):
    """The reference's, behind the interface of theirs."""

    def __init__(self, network, past, seen):
        super().__init__()
        self.network, self.n_prev_cls, self.n_cls = network, past, seen
        self.feature_extractor = torch.nn.Identity()
        self.feature_extractor.stage_info = {"stage4": [4, 8]}

    def forward(self, x, input_stage="stage0", output_stage=None):
        logits, maps = self.network(x)
        logits = logits[:, : self.n_cls]
        return (logits, None) if output_stage is None else (logits, None, maps)

    def requires_grad(self, value):
        for p in self.parameters():
            p.requires_grad_(value)


# --- their trainer, in which nothing is left to chance ---------------------------------------------


class Loader:
    def __init__(self, x, y, batch):
        self.dataset, self.batch = types.SimpleNamespace(x=x, y=y, mean=0, std=1), batch

    def __len__(self):
        return -(-len(self.dataset.y) // self.batch)

    def __iter__(self):
        yield from zip(self.dataset.x.split(self.batch), self.dataset.y.split(self.batch))


def trainer_class(module, networks):
    class Trainer(module.GeniferTrainer):
        replays = False

        def _init_generator(self):
            return smaller_generator(networks.layers, networks.generator)

        def _init_discriminator(self):
            return smaller_discriminator(networks.layers, networks.discriminator)

        def _to_one_hot(self, labels):
            return super()._to_one_hot(labels).double()

        def sample_z(self, n_samples, labels=None, mode=None, T=0):
            if mode not in ("previous", "current"):  # of what is looked at
                return super().sample_z(n_samples, labels, mode, T)
            first = sum(self.n_cls_per_task[: self.task_id])
            kind = "replay" if self.replays else "old-class"
            given = (kind, 0, first) if mode == "previous" else None
            given = given or ("new-class", first, self.n_cls_per_task[self.task_id])
            latent, labels = self.draws.draw(*given, n_samples)
            return torch.cat([latent, self._to_one_hot(labels)], dim=1)

        def note(self, name, value):
            self.losses.setdefault(name, []).append(float(value))
            return value

        def _get_r1(self, real_img, real_labels):
            loss = super()._get_r1(real_img, real_labels)
            return self.note("r1", loss) if torch.is_tensor(loss) else loss

        def get_modified_loss(self, *batch, **more):
            now, (old, maps) = found = super().get_modified_loss(*batch, **more)
            for name, value in (("labels", now), ("distil", old / 0.98), ("features", maps)):
                self.note(name, value)
            return found

        def listen(self):
            """Notes what each step's losses are made of."""
            turns, softplus, distance = 0, torch.nn.Softplus(), torch.nn.L1Loss()

            def noted(scores):
                nonlocal turns
                value, turns = softplus(scores), turns + 1
                self.note(("made", "real", "fooling")[(turns - 1) % 3], value.mean())
                return value

            self.softplus = noted
            self.gen_dist_loss_fn = lambda a, b: self.note("generator-distil", distance(a, b))

        def plot_img_palette(self):
            pass

        def _log_ema_samples(self, z, T):
            pass

    return Trainer


def configuration():
    method = {"latent_dim": ours.MAKES.latent, "batch_size": ours.ROWS, "n_iter": ours.STEPS // 8}
    method |= {"disc_lr": ours.RATE, "gen_lr": ours.RATE, "ema_hl": ours.HALF_LIFE / 1000}
    method |= {"coefficient": 0.98, "feat_coefficient": 1.0, "out_distill_loss": "KD_sep"}
    method |= {"feat_matching_layer": "stage4", "feat_dist_layer": "stage4", "name": "genifer"}
    method |= {"feat_dist_loss_type": "single_L2", "matching_mode": "indirect", "n_critic": 1}
    method |= {"r1_gamma": ours.GAMMA, "r1_interval": 16, "gen_coefficient": reference.DISTIL}
    method |= {"gen_dist_ada": True, "gen_dist_loss": "L1", "gen_dist_layer": "stage0"}
    train = {"learning_rate": ours.LATER, "n_epochs": ours.EPOCHS, "optimizer": "RAdam"}
    train |= {"use_scheduler": True, "scheduler": "multistep", "train_feature_extractor": True}
    train |= {"scheduler_factor": ours.FACTOR, "scheduler_milestones": [2]}
    tasks = {"num_tasks": len(ours.TASK_CLASSES), "num_classes_per_task": list(ours.TASK_CLASSES)}
    return {
        "cl_params": {**tasks, "method": method, "ce_coefficient": 0.02},
        "data_params": {"dataset_name": "CIFAR100"},
        "model_params": {},
        "train_params": train,
    }


# --- what is written down -------------------------------------------------------------------------


def networks_alone(networks):
    latent, labels = numbers(1, ours.ROWS, ours.MAKES.latent), torch.arange(ours.ROWS)
    latent.requires_grad_()
    classes = ours.one_hot(labels % ours.CLASSES)
    of = smaller_generator(networks.layers, networks.generator)
    made = of(torch.cat([latent, classes], 1))
    slopes = torch.autograd.grad((made**2).sum(), [latent, *parameters(of)])
    of = smaller_discriminator(networks.layers, networks.discriminator)
    seen = numbers(2, ours.ROWS, 4, 8, 8).requires_grad_()
    scores = of(seen, classes)[:, 0]
    back = torch.autograd.grad((scores**2).sum(), [seen, *parameters(of)])
    groups = networks.discriminator.MinibatchStdLayer(32)(numbers(3, 64, 5, 2, 2))
    return {
        "images": made.flatten()[::211].tolist(),
        "image_gradients": [gist(g) for g in slopes],
        "scores": scores.tolist(),
        "score_gradients": [gist(g) for g in back],
        "deviations": groups[:, 5, 0, 0].tolist(),
    }


def full_sizes(networks):
    shapes = lambda of: [[size for size in p.shape if size > 1] for p in parameters(of)]
    return {
        "generator": shapes(networks.generator.CondEqlGenerator(512, 3, 32, "cpu", n_cls=100)),
        "discriminator": shapes(networks.discriminator.CondEqlDiscriminator(256, 8, "cpu", 100)),
    }


def trained(trainer, names, train):
    """Everything noted while they train, and how far what has such names has moved."""
    found = {name: [p.detach().clone() for p in values()] for name, values in names.items()}
    trainer.losses, ours.Noted.notes = {}, []
    train()
    notes = ours.Noted.notes
    moved = {name: ours.moved(values(), found[name]) for name, values in names.items()}
    gradients = [notes[step : step + 2] for step in range(0, len(notes), 2)]
    return {"losses": trainer.losses, "gradients": gradients, "moved": moved}


def captured(networks, trainer_module, learner_module):
    network, config, logger = ours.classifier(), configuration(), types.SimpleNamespace()
    logger.run = lambda **asked: None
    first = Loader(*ours.images(0), ours.ROWS // 2)  # half the batch: twice as long
    model = Classifier(network, 0, ours.TASK_CLASSES[0])
    trainer = trainer_class(trainer_module, networks)(model, "", config, first, logger)
    trainer.draws = ours.Draws()
    trainer.listen()

    def adam(given, lr, betas):
        both, first = (trainer.generator, trainer.discriminator), next(given)
        (of,) = [network for network in both if first is next(network.parameters())]
        return ours.Noted(parameters(of), lr, betas)

    trainer_module.optim = types.SimpleNamespace(Adam=adam)

    def theirs(name):
        return lambda: parameters(getattr(trainer, name))

    made = {
        "generator": theirs("generator"),
        "average": theirs("generator_ema"),
        "discriminator": theirs("discriminator"),
    }
    found = {"first": trained(trainer, made, lambda: trainer.prepare_next_training(first))}

    second = Loader(*ours.images(1), ours.ROWS // 2)
    later = Classifier(network, ours.TASK_CLASSES[0], sum(ours.TASK_CLASSES[:2]))
    later.requires_grad(True)
    trainer.update(later, second)
    trainer.replays = True
    learner = learner_module.Learner(later, 0, config, "", "cpu", 1, logger)
    batches = ours.later_batches(1)
    values = lambda: [v for v in network.state_dict().values() if v.is_floating_point()]
    found["later"] = trained(
        trainer, {"network": values}, lambda: learner.train(batches, [], trainer)
    )
    trainer.replays = False
    trainer.generator.load_state_dict(trainer.generator_ema.state_dict())  # whence it is to move
    found["second"] = trained(trainer, made, lambda: trainer.prepare_next_training(second))
    return found


# --- what they import -----------------------------------------------------------------------------


def randn(*shape, device=None):
    """Noise by the size of maps, and otherwise numbers of which no use is made."""
    shape = shape[0] if isinstance(shape[0], tuple) else shape
    return ours.noise_maps(shape[0], shape[2]) if len(shape) == 4 else torch.zeros(shape)


def imported(source, radam):
    stubs = ("genifer", "genifer.augmentation", "genifer.augmentation.dnnlib")
    stubs += ("genifer.augmentation.dnnlib.util", "genifer.augmentation.torch_utils")
    stubs += ("genifer.augmentation.torch_utils.misc", "matplotlib", "matplotlib.pyplot")
    for name in (*stubs, "sklearn", "sklearn.metrics"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["genifer"].__path__ = [os.path.join(os.path.abspath(source), "genifer")]
    sys.modules["matplotlib"].pyplot = sys.modules["matplotlib.pyplot"]
    sys.modules["sklearn.metrics"].accuracy_score = None
    spec = importlib.util.spec_from_file_location("genifer.utils.radam", radam)
    sys.modules["genifer.utils.radam"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["genifer.utils.radam"])
    found = types.SimpleNamespace()
    for name in ("layers", "generator", "discriminator"):
        file = {"generator": "conditional_eql_style_", "discriminator": "conditional_eql_"}
        module = f"genifer.model.{file.get(name, '')}{name}"
        setattr(found, name, importlib.import_module(module))
    trainer = importlib.import_module("genifer.trainers.genifer_trainer")
    learner = importlib.import_module("genifer.learner")
    trainer.log.disabled = learner.log.disabled = True
    trainer.load_checkpoint = trainer.save_checkpoint = lambda *asked: None
    learner.save_checkpoint = lambda *asked: None
    trainer.DataLoader = lambda dataset, batch_size, **more: Loader(dataset.x, dataset.y, batch_size)
    learner.RAdam = functools.partial(learner.RAdam, degenerated_to_sgd=True)
    return found, trainer, learner


def main(source, radam):
    begin()
    warnings.simplefilter("ignore")
    networks, trainer, learner = imported(source, radam)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # theirs print
        found = {"source": SOURCE, "sizes": full_sizes(networks)}
        torch.randn, torch.Tensor.float = randn, lambda x: x
        found["networks"] = networks_alone(networks)
        found |= captured(networks, trainer, learner)
    write(found)


if __name__ == "__main__":
    main(*sys.argv[1:])
