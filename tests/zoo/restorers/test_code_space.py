import pytest

torch = pytest.importorskip("torch")

from inversion_stand_ins import small_generator  # noqa: E402

from zoo.restorers.inversion.code_space import measured_space  # noqa: E402


@pytest.fixture(scope="module")
def generator():
    return small_generator()


def codes_of(generator, count=4000, seed=11):
    z = torch.randn((count, 16), generator=torch.Generator().manual_seed(seed))
    return generator.map(z)


def test_other_codes_have_mean_zero_and_covariance_one_in_it(generator):
    coordinates = measured_space(generator).coordinates(codes_of(generator))
    assert coordinates.mean(dim=0).abs().max() < 0.08
    covariance = coordinates.T @ coordinates / len(coordinates)
    assert (covariance - torch.eye(16)).abs().max() < 0.12


def test_codes_come_back_from_their_coordinates(generator):
    space, codes = measured_space(generator), codes_of(generator, 20)
    torch.testing.assert_close(space.codes(space.coordinates(codes)), codes, rtol=0, atol=1e-4)


def test_the_average_code_lies_at_zero(generator):
    space = measured_space(generator)
    torch.testing.assert_close(space.codes(torch.zeros(16)), space.average)


def test_it_is_measured_alike_each_time_and_draws_from_no_global_generator(generator):
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    one, two = measured_space(generator), measured_space(generator)
    assert torch.equal(one.spread, two.spread) and torch.equal(one.average, two.average)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_turning_the_codes_turns_the_spread_with_them(generator):
    """No sign and no order of axes is chosen: C^½ of a turned space is the turned C^½."""
    space = measured_space(generator)
    torch.testing.assert_close(space.spread, space.spread.T)
    assert (torch.linalg.eigvalsh(space.spread) > 0).all()
