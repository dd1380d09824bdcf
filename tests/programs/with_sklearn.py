"""A pipeline of scikit-learn."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(0)
x = rng.normal(size=(200, 5))
y = x @ np.array([1.0, -2, 0, 0.5, 3]) + 0.1 * rng.normal(size=200)
train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.25, random_state=0)
model = LinearRegression().fit(train_x, train_y)
predicted = model.predict(test_x)
print(model.coef_.round(3), f"{mean_squared_error(test_y, predicted):.5f}")
print(np.corrcoef(test_y, predicted)[0, 1].round(4), f"{model.score(test_x, test_y):.5f}")

labels = (y > np.median(y)).astype(int)
pipeline = make_pipeline(StandardScaler(), PCA(3), LogisticRegression())
pipeline.fit(x, labels)
guess = pipeline.predict(x)
print(f"{accuracy_score(labels, guess):.4f}", np.bincount(guess), (guess == labels).sum())
print(pipeline.predict_proba(x[:3]).round(3).sum(axis=1), pipeline.named_steps["pca"].n_components_)
split = train_test_split(np.arange(10), random_state=np.random.RandomState(0))
print(split[1], [isinstance(part, np.ndarray) for part in split])
scaled = StandardScaler().fit_transform(x)
print(
    np.abs(scaled.mean(axis=0)).max() < 1e-12,
    scaled.std(axis=0).round(6),
    isinstance(scaled, np.ndarray),
)
