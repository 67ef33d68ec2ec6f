using System.Net;
using Kgents.Metering.Webhooks.Sending;
using Microsoft.Extensions.Options;

namespace Kgents.Tests.Webhooks;

/// <summary>Where events may go: to the public Internet, in whatever form an address is written.</summary>
public sealed class AddressGuardTests
{
    private static readonly AddressGuard Guard = new(Options.Create(new WebhookDeliveryOptions()));

    [Theory]
    [InlineData("93.184.216.34")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.1")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.1")]
    [InlineData("223.255.255.254")]
    [InlineData("2606:2800:220:1:248:1893:25c8:1946")]
    [InlineData("::ffff:93.184.216.34")]
    [InlineData("64:ff9b::5db8:d822")]
    public void PublicAddress_IsAllowed(string address) => Assert.True(Guard.Allows(IPAddress.Parse(address)));

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("0.1.2.3")]
    [InlineData("10.0.0.1")]
    [InlineData("100.64.0.1")]
    [InlineData("100.127.255.255")]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.192")]
    [InlineData("192.0.2.1")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("198.51.100.1")]
    [InlineData("203.0.113.1")]
    [InlineData("224.0.0.1")]
    [InlineData("239.255.255.255")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::7f00:1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("::ffff:0:127.0.0.1")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("64:ff9b::a00:1")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("64:ff9b:1::1")]
    [InlineData("100::1")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::1")]
    [InlineData("3fff::1")]
    [InlineData("5f00::1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public void AnyOtherAddress_IsRefused(string address) => Assert.False(Guard.Allows(IPAddress.Parse(address)));

    [Fact]
    public void AllowedNetwork_IsAllowed_AndNothingBesideIt()
    {
        var guard = new AddressGuard(Options.Create(new WebhookDeliveryOptions { AllowedNetworks = "10.1.0.0/16, fd00:1::/32" }));

        Assert.All((string[])["10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5", "93.184.216.34"], address => Assert.True(guard.Allows(IPAddress.Parse(address))));
        Assert.All((string[])["10.2.0.1", "fd00:2::5", "127.0.0.1"], address => Assert.False(guard.Allows(IPAddress.Parse(address))));
    }

    [Theory]
    [InlineData("10.1.0.0", "00:00:01")]
    [InlineData("10.1.0.0/33", "00:00:01")]
    [InlineData("10.1.0.0/16", "")]
    [InlineData("10.1.0.0/16", "soon")]
    [InlineData("10.1.0.0/16", "00:00:01,-00:00:01")]
    public void List_ThatCannotBeRead_IsRefusedAtTheStart(string networks, string schedule) =>
        Assert.True(new WebhookListsValidator().Validate(null, new WebhookDeliveryOptions { AllowedNetworks = networks, Schedule = schedule }).Failed);

    [Fact]
    public void Schedule_IsThePublishedOne()
    {
        var schedule = new WebhookDeliveryOptions().ReadSchedule();

        Assert.True(new WebhookListsValidator().Validate(null, new WebhookDeliveryOptions()).Succeeded);
        Assert.Equal(
            [TimeSpan.Zero, TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), .. new[] { 2, 5, 10, 14, 20, 24 }.Select(hours => TimeSpan.FromHours(hours))], schedule);
    }
}
