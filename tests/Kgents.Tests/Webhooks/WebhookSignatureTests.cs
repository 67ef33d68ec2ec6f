using Kgents.Metering.Webhooks.Sending;

namespace Kgents.Tests.Webhooks;

/// <summary>Signatures are those of Standard Webhooks.</summary>
public sealed class WebhookSignatureTests
{
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private const string Expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    private static readonly DateTimeOffset At = DateTimeOffset.FromUnixTimeSeconds(1614265330);

    [Fact]
    public void Signature_IsThatOfTheSpecification() =>
        Assert.Equal(Expected, WebhookSignature.Sign([Secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", At, """{"test": 2432232314}"""));

    [Fact]
    public void EachSecret_Signs_TheNewestFirst()
    {
        var signatures = WebhookSignature.Sign(["whsec_AAAA", Secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", At, """{"test": 2432232314}""").Split(' ');

        Assert.Equal(2, signatures.Distinct().Count());
        Assert.Equal(Expected, signatures[1]);
    }
}
