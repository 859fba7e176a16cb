package rackless
