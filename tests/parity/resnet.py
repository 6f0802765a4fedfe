"""ResNet-18 for small images as the DER authors have it: a 3x3 stem, no max-pool."""

import torch
import torch.nn.functional as F
from torch.nn import BatchNorm2d, Conv2d, Linear, Sequential


class Block(torch.nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = BatchNorm2d(outputs)
        self.conv2 = Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = BatchNorm2d(outputs)
        self.shortcut = Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = Sequential(
                Conv2d(inputs, outputs, 1, stride, bias=False), BatchNorm2d(outputs)
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


class ResNet18(torch.nn.Module):
    def __init__(self, channels, width, classes):
        super().__init__()
        self.conv1 = Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn1 = BatchNorm2d(width)
        inputs = width
        for i, stride in enumerate((1, 2, 2, 2)):
            outputs = width * 2**i
            blocks = Block(inputs, outputs, stride), Block(outputs, outputs, 1)
            setattr(self, f"layer{i + 1}", Sequential(*blocks))
            inputs = outputs
        self.classifier = Linear(inputs, classes)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer4(self.layer3(self.layer2(self.layer1(out))))
        return self.classifier(out.mean((2, 3)))
